output "scanner_sync" {
  description = "The module's outputs: the commands to add the token, to start a run and to follow it, and more."
  value       = module.scanner_sync
}
