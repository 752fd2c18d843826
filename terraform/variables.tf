variable "project_id" {
  description = "Google Cloud project to deploy to."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be 6 to 30 lowercase letters, digits and hyphens, such as my-project-1."
  }
}

variable "api_base_url" {
  description = "Base URL of the scanner's API, such as `https://api.intruder.io/v1`. With `accounts` it may contain `{account}`."
  type        = string

  # What the program accepts. No user, password, query or fragment: this value is stored in the state and in the function's
  # settings.
  validation {
    condition     = can(regex("^https://[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*(:[0-9]+)?(/[\\w~-][\\w.~-]*)*/?$", replace(var.api_base_url, "{account}", "acme")))
    error_message = "api_base_url must be an https URL of host and path, without user, query or fragment, such as https://api.intruder.io/v1."
  }

  validation {
    condition = !can(regex("//[^/]*{account}", var.api_base_url)) || alltrue([
      for account in keys(var.accounts == null ? tomap({}) : var.accounts) : !strcontains(account, "_")
    ])
    error_message = "api_base_url must not contain {account} in its host if an account has a name with an underscore, which no host can have."
  }

  validation {
    condition     = var.accounts != null || !strcontains(var.api_base_url, "{account}")
    error_message = "api_base_url must not contain {account}, because there are no accounts."
  }
}

variable "region" {
  description = "Region of the function, its source archive and its images. To change it later, run `make destroy` first."
  type        = string
  default     = "us-central1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]{1,2}$", var.region))
    error_message = "region must be a single region, such as europe-west1, not a zone or a multi-region."
  }
}

variable "scheduler_region" {
  description = "Region of Cloud Scheduler's job, by default `region`. Set it if Cloud Scheduler is not in that region."
  type        = string
  default     = null

  validation {
    condition     = var.scheduler_region == null ? true : can(regex("^[a-z]+-[a-z]+[0-9]{1,2}$", var.scheduler_region))
    error_message = "scheduler_region must be a single region, such as europe-west1, or null for the function's."
  }
}

variable "name" {
  description = "Name of the function, and prefix for the names of other resources."
  type        = string
  default     = "scanner-sync"

  # A service account's ID has at most 30 characters, and the longest suffix is `-scheduler`.
  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,18}[a-z0-9])$", var.name))
    error_message = "name must be 2 to 20 lowercase letters, digits and hyphens, start with a letter and not end with a hyphen."
  }

  # What Google refuses at apply: in the name of the bucket, and at the beginning of a topic's name.
  validation {
    condition     = !strcontains(var.name, "google") && !strcontains(var.name, "g00gle") && !startswith(var.name, "goog")
    error_message = "name must not contain google or g00gle, nor begin with goog: Google Cloud refuses buckets and topics with such names."
  }
}

variable "accounts" {
  description = "Accounts of the scanner, by name: `{ acme = {}, globex = { schedule = \"0 */2 * * *\", location = \"EU\" } }`. Each has its own secret, dataset and schedule; by default `schedule` and `bigquery_location`. `null` is a single account without a name."
  type = map(object({
    schedule = optional(string)
    location = optional(string)
  }))
  default = null

  # What the program accepts. `acme_staging` would share a dataset with `acme`, whose staging dataset has that name.
  validation {
    condition = var.accounts == null ? true : alltrue([
      for account in keys(var.accounts) :
      can(regex("^[a-z0-9]+(_[a-z0-9]+)*$", account)) && length(account) <= 30 && !can(regex("(^|_)staging$", account))
    ])
    error_message = "accounts must have names of at most 30 lowercase letters and digits, with single underscores between them, not ending in _staging, and not staging."
  }

  validation {
    condition = var.accounts == null ? true : alltrue([
      for account in values(var.accounts) : account.schedule == null || can(regex("^\\S+( \\S+){4}$", account.schedule))
    ])
    error_message = "accounts must have schedules of five cron fields, such as `0 */6 * * *` or `30 4 * * mon`."
  }

  validation {
    condition = var.accounts == null ? true : alltrue([
      for account in values(var.accounts) :
      account.location == null || can(regex("^(US|EU|[a-z]+-[a-z]+[0-9]{1,2})$", account.location))
    ])
    error_message = "accounts must have locations that are US, EU or a region, such as europe-west1."
  }
}

variable "max_parallel_syncs" {
  description = "Maximum number of `accounts` that are synced at the same time, each in an instance of its own. Further ones are tried again later. More than 200 instances need a higher quota in some regions."
  type        = number
  default     = 10

  validation {
    condition     = var.max_parallel_syncs >= 1 && var.max_parallel_syncs <= 1000 && floor(var.max_parallel_syncs) == var.max_parallel_syncs
    error_message = "max_parallel_syncs must be a whole number from 1 to 1000."
  }
}

variable "labels" {
  description = "Labels for all resources that support them, added to `app` and `managed-by`."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([
      for key, value in var.labels :
      can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))
    ])
    error_message = "labels must have keys and values of at most 63 lowercase letters, digits, _ and -, and each key must start with a letter."
  }
}

variable "trigger" {
  description = "What starts a run: `http` (Cloud Scheduler calls the function) or `pubsub` (Cloud Scheduler publishes, a push subscription calls)."
  type        = string
  default     = "http"

  validation {
    condition     = contains(["http", "pubsub"], var.trigger)
    error_message = "trigger must be http or pubsub."
  }
}

variable "schedule" {
  description = "When runs start, in unix-cron format. Set `max_staleness_hours` to match."
  type        = string
  default     = "0 */6 * * *"

  # Cloud Scheduler checks the fields themselves at apply.
  validation {
    condition     = can(regex("^\\S+( \\S+){4}$", var.schedule))
    error_message = "schedule must be five cron fields, such as `0 */6 * * *` or `30 4 * * mon`."
  }
}

variable "paused" {
  description = "Whether no runs start by `schedule`, nor by the schedules in `accounts`. An apply resumes a job that was paused by hand."
  type        = bool
  default     = false
  nullable    = false
}

variable "max_staleness_hours" {
  description = "Hours without a successful run after which an alert fires: two periods of `schedule` and an hour, 25 or 49 for a daily schedule. At most 840 with `http`, 25 with `pubsub` or `accounts`. `null` turns the alert off."
  type        = number
  default     = 13

  # The limits are explained in alerts.tf.
  validation {
    condition = var.max_staleness_hours == null ? true : (
      var.max_staleness_hours >= 1
      && var.max_staleness_hours <= (var.trigger == "pubsub" || var.accounts != null ? 25 : 840)
      && floor(var.max_staleness_hours) == var.max_staleness_hours
    )
    error_message = "max_staleness_hours must be a whole number from 1 to 840 with trigger http, or to 25 with trigger pubsub or with accounts: Cloud Monitoring looks back no further. For a rarer schedule set it to null, which turns the alert off, and watch the age of the data yourself (terraform/README.md says how)."
  }

  # Only what can be told without a parser for cron: a schedule that skips days, and one with a single hour of the day.
  validation {
    condition = var.max_staleness_hours == null || alltrue([
      for schedule in concat([var.schedule], [for account in values(var.accounts == null ? tomap({}) : var.accounts) : account.schedule if account.schedule != null]) :
      can(regex("^\\S+ \\S+ \\* \\* \\*$", schedule))
      ]) ? true : (
      var.max_staleness_hours > 25
    )
    error_message = "max_staleness_hours must be more than 25, or null, because schedule, or an account's own, does not run every day: the alert would fire between two runs. Set two periods of schedule and an hour. With trigger pubsub or with accounts only null is left."
  }

  validation {
    condition = var.max_staleness_hours == null || alltrue([
      for schedule in concat([var.schedule], [for account in values(var.accounts == null ? tomap({}) : var.accounts) : account.schedule if account.schedule != null]) :
      !can(regex("^\\S+ [0-9]+ ", schedule))
      ]) ? true : (
      var.max_staleness_hours >= 25
    )
    error_message = "max_staleness_hours must be at least 25, or null, because schedule, or an account's own, runs once a day at most: the alert would fire between two runs."
  }
}

variable "max_occurrence_age_hours" {
  description = "An alert fires when syncs stay incomplete: one finishes, and the oldest occurrences were last read more than this many hours ago. `null` turns the alert off."
  type        = number
  default     = 168

  validation {
    condition     = var.max_occurrence_age_hours == null ? true : var.max_occurrence_age_hours > 0
    error_message = "max_occurrence_age_hours must be a number of hours greater than 0, or null, which turns the alert off."
  }
}

variable "time_zone" {
  description = "Time zone of `schedule`, by its tz database name."
  type        = string
  default     = "Etc/UTC"

  # The areas of the tz database; Terraform has no list of the locations in them.
  validation {
    condition = can(regex(
      "^(UTC|(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific)(/[A-Za-z0-9_+-]+){1,2})$",
      var.time_zone
    ))
    error_message = "time_zone must be a tz database name, such as Europe/Berlin or Etc/UTC, not an abbreviation or an offset."
  }
}

variable "sync_deadline_seconds" {
  description = "Seconds after which a run stops. The function's timeout is 60 s longer, and the caller's deadline another 60 s. By default 1500 with `http` and 420 with `pubsub`."
  type        = number
  default     = null

  # Cloud Scheduler waits at most 30 minutes for a response and Pub/Sub 10; 120 s are for the two longer limits.
  validation {
    condition = var.sync_deadline_seconds == null ? true : (
      var.sync_deadline_seconds >= 60
      && var.sync_deadline_seconds <= (var.trigger == "pubsub" ? 480 : 1680)
      && floor(var.sync_deadline_seconds) == var.sync_deadline_seconds
    )
    error_message = "sync_deadline_seconds must be a whole number from 60 to 1680 with trigger http (Cloud Scheduler waits 30 minutes), or to 480 with trigger pubsub (Pub/Sub waits 10 minutes)."
  }
}

variable "ingress" {
  description = "Networks from which the function can be called. IAM decides who may call it."
  type        = string
  default     = "ALLOW_ALL"

  validation {
    condition     = contains(["ALLOW_ALL", "ALLOW_INTERNAL_ONLY", "ALLOW_INTERNAL_AND_GCLB"], var.ingress)
    error_message = "ingress must be ALLOW_ALL, ALLOW_INTERNAL_ONLY or ALLOW_INTERNAL_AND_GCLB."
  }
}

variable "invokers" {
  description = "Members that may start a run with `gcloud functions call`, such as `user:ada@example.com`. Only with `http`."
  type        = set(string)
  default     = []

  validation {
    condition = alltrue([
      for member in var.invokers :
      can(regex("^(user|group|serviceAccount):[^:@\\s]+@[^:@\\s]+$", member))
      || can(regex("^(principal|principalSet)://iam[.]googleapis[.]com/[^\\s]+$", member))
    ])
    error_message = "invokers must be members such as user:ada@example.com or group:security@example.com, not allUsers, allAuthenticatedUsers or a domain."
  }

  validation {
    condition     = var.trigger == "http" || length(var.invokers) == 0
    error_message = "invokers must be empty with trigger pubsub: the function accepts only events. Start a run with `gcloud scheduler jobs run`."
  }
}

variable "memory" {
  description = "Memory of the function."
  type        = string
  default     = "1Gi"

  # 256 MiB is too little for dlt and its libraries. The function has one CPU, which allows at most 4 GiB.
  validation {
    condition     = contains(["512Mi", "1Gi", "2Gi", "4Gi"], var.memory)
    error_message = "memory must be 512Mi, 1Gi, 2Gi or 4Gi."
  }
}

variable "rebuild" {
  description = "Any text. Another text than before builds the function again, also if nothing else has changed: after a build that failed, or for a newer Python with its security fixes."
  type        = string
  default     = null

  # The value of an environment variable of the build.
  validation {
    condition     = var.rebuild == null ? true : can(regex("^[A-Za-z0-9 .:_-]{1,100}$", var.rebuild))
    error_message = "rebuild must be 1 to 100 letters, digits, spaces and . : _ -, such as 2026-01-31, or null."
  }
}

variable "dataset" {
  description = "BigQuery dataset for the tables. A second dataset, with the suffix `_staging`, holds rows while they are loaded."
  type        = string
  default     = "scanner"

  # The names that dlt uses unchanged. It would normalize any other name, and so write to another dataset.
  validation {
    condition     = can(regex("^[a-z](_?[a-z0-9]){0,99}$", var.dataset)) && !endswith(var.dataset, "_staging")
    error_message = "dataset must be lowercase letters and digits, with single underscores between them, start with a letter and not end in _staging."
  }
}

variable "bigquery_location" {
  description = "Location of the datasets: `US`, `EU` or a region. It cannot be changed later."
  type        = string
  default     = "US"

  validation {
    condition     = can(regex("^(US|EU|[a-z]+-[a-z]+[0-9]{1,2})$", var.bigquery_location))
    error_message = "bigquery_location must be US, EU or a region, such as europe-west1."
  }
}

variable "secret_locations" {
  description = "Regions that hold the secrets, such as `[\"europe-west1\"]`. `null` leaves it to Google, which some organizations refuse (`gcp.resourceLocations`). It cannot be changed later: the secrets would be replaced, without their tokens."
  type        = set(string)
  default     = null

  validation {
    condition = var.secret_locations == null ? true : length(var.secret_locations) > 0 && alltrue([
      for location in var.secret_locations : can(regex("^[a-z]+-[a-z]+[0-9]{1,2}$", location))
    ])
    error_message = "secret_locations must be one or more regions, such as europe-west1, or null."
  }
}

variable "deletion_protection" {
  description = "Refuse to destroy the datasets and the secret."
  type        = bool
  default     = true
  nullable    = false
}

variable "exposed_tags" {
  description = "Tags of targets that are exposed to the internet, whatever their type. The rules in `sla_policy` may ask for it."
  type        = list(string)
  default     = []
  nullable    = false

  # What the program accepts: it takes a list that begins so for one in quotes, or in JSON.
  validation {
    condition = (
      alltrue([for tag in var.exposed_tags : can(regex("^[^,]*[^,[:space:]][^,]*$", tag))])
      && !can(regex("^[[:space:]]*[\"'`“\\[]", join(",", var.exposed_tags)))
    )
    error_message = "exposed_tags must be tags without commas, and the first must not begin with a quote or a bracket."
  }
}

variable "internal_tags" {
  description = "Tags of targets that are not exposed, although they are external."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = (
      alltrue([for tag in var.internal_tags : can(regex("^[^,]*[^,[:space:]][^,]*$", tag))])
      && !can(regex("^[[:space:]]*[\"'`“\\[]", join(",", var.internal_tags)))
    )
    error_message = "internal_tags must be tags without commas, and the first must not begin with a quote or a bracket."
  }
}

variable "page_size" {
  description = "Rows per request to the API."
  type        = number
  default     = 100

  validation {
    condition     = var.page_size >= 1 && var.page_size <= 10000 && floor(var.page_size) == var.page_size
    error_message = "page_size must be a whole number from 1 to 10000."
  }
}

variable "max_concurrent_requests" {
  description = "Maximum number of concurrent requests to the API."
  type        = number
  default     = 20

  validation {
    condition     = var.max_concurrent_requests >= 1 && var.max_concurrent_requests <= 200 && floor(var.max_concurrent_requests) == var.max_concurrent_requests
    error_message = "max_concurrent_requests must be a whole number from 1 to 200."
  }
}

variable "max_requests_per_sync" {
  description = "Requests after which a sync leaves further issues' occurrences to the next syncs. The API allows 5000 an hour: if `schedule` starts more than one sync an hour, set a lower number."
  type        = number
  default     = 4500

  validation {
    condition     = var.max_requests_per_sync >= 1 && var.max_requests_per_sync <= 1000000 && floor(var.max_requests_per_sync) == var.max_requests_per_sync
    error_message = "max_requests_per_sync must be a whole number from 1 to 1000000."
  }
}

variable "full_read_hours" {
  description = "Hours after which everything is read again of an account that has proved quiet, so that syncs read only what signals of the API name. 0: each sync reads everything."
  type        = number
  default     = 24

  validation {
    condition     = var.full_read_hours >= 0 && var.full_read_hours <= 720 && floor(var.full_read_hours) == var.full_read_hours
    error_message = "full_read_hours must be a whole number from 0 to 720."
  }
}

variable "intelligence" {
  description = "What is read about the account's CVEs, once a day: any of `kev`, `epss` and `ssvc`. `ssvc` tells a public API which CVEs the account has. See [CVE intelligence](../docs/reference.md#cve-intelligence) for the hosts that `egress` has to reach."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.intelligence, ["kev", "epss", "ssvc"])) == 0
    error_message = "intelligence must only contain kev, epss and ssvc."
  }
}

variable "kev_url" {
  description = "Address of CISA's catalog KEV, or of a mirror."
  type        = string
  default     = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"

  validation {
    condition     = can(regex("^https://[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*(:[0-9]+)?(/[\\w~-][\\w.~-]*)*/?$", var.kev_url))
    error_message = "kev_url must be an https URL of host and path, without user, query or fragment."
  }
}

variable "epss_url" {
  description = "Address of the scores of EPSS, or of a mirror."
  type        = string
  default     = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"

  validation {
    condition     = can(regex("^https://[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*(:[0-9]+)?(/[\\w~-][\\w.~-]*)*/?$", var.epss_url))
    error_message = "epss_url must be an https URL of host and path, without user, query or fragment."
  }
}

variable "ssvc_url" {
  description = "Address of a CVE record, or of a mirror; contains `{cve}`."
  type        = string
  default     = "https://cveawg.mitre.org/api/cve/{cve}"

  validation {
    condition     = can(regex("^https://[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*(:[0-9]+)?(/[\\w~-][\\w.~-]*)*/?$", replace(var.ssvc_url, "{cve}", "CVE"))) && length(split("{cve}", var.ssvc_url)) == 2
    error_message = "ssvc_url must be an https URL of host and path, without user, query or fragment that contains {cve} once."
  }
}

variable "log_level" {
  description = "Minimum severity of log entries: `DEBUG` or `INFO`. The metrics and `last_runs` need `INFO` entries."
  type        = string
  default     = "INFO"

  # WARNING and above would suppress `sync_finished`, and the alert on missing runs would never stop firing.
  validation {
    condition     = contains(["DEBUG", "INFO"], var.log_level)
    error_message = "log_level must be DEBUG or INFO: above INFO, successful runs are not logged and count as missing."
  }
}

variable "notification_channels" {
  description = "Notification channels of the alerts, such as `projects/my-project-1/notificationChannels/123`."
  type        = list(string)
  default     = []

  validation {
    condition = alltrue([
      for channel in var.notification_channels : can(regex("^projects/[^/\\s]+/notificationChannels/[^/\\s]+$", channel))
    ])
    error_message = "notification_channels must be full names, such as projects/my-project-1/notificationChannels/123."
  }
}

variable "runbook_url" {
  description = "Address of `docs/runbook.md` where the readers of alerts can open it, such as in your copy of the repository. Each alert links to its section."
  type        = string
  default     = null

  validation {
    condition     = var.runbook_url == null ? true : can(regex("^https://[^\\s#]+$", var.runbook_url))
    error_message = "runbook_url must be an https URL without a fragment, such as https://github.com/acme/scanner-sync/blob/main/docs/runbook.md."
  }
}

# What the rules of a company demand. Each is off by default.

variable "kms_keys" {
  description = "Customer-managed keys by location: `{ US = \"projects/my-keys/locations/us/keyRings/r/cryptoKeys/k\" }`. If there are any, one for `region`, each location of a dataset, and `global` or each of `secret_locations`."
  type        = map(string)
  default     = {}
  nullable    = false

  # BigQuery's multi-regions have other names in Cloud KMS.
  validation {
    condition = alltrue([
      for location, key in var.kms_keys :
      can(regex("^projects/[^/]+/locations/${lookup({ US = "us", EU = "europe" }, location, location)}/keyRings/[^/]+/cryptoKeys/[^/]+$", key))
    ])
    error_message = "kms_keys must be full names of keys in their location, such as projects/my-keys/locations/us/keyRings/r/cryptoKeys/k. A key for US is in the location us, and one for EU in europe."
  }

  validation {
    condition = length(var.kms_keys) == 0 || length(setsubtract(
      concat(
        [var.region, var.bigquery_location],
        [for account in values(var.accounts == null ? tomap({}) : var.accounts) : account.location if account.location != null],
        var.secret_locations == null ? ["global"] : tolist(var.secret_locations),
      ),
      keys(var.kms_keys),
    )) == 0
    error_message = "kms_keys must have a key for region, bigquery_location, each location of accounts, and each of secret_locations (global if that is null): nothing is encrypted with Google's keys then."
  }
}

variable "egress" {
  description = "Network through which the function reaches the API and Google: `connector` (Serverless VPC Access), or `subnetwork` with `network` and `tags` (Direct VPC). With `all_traffic`, the default, a Cloud NAT there gives it a fixed address."
  type = object({
    connector   = optional(string)
    network     = optional(string)
    subnetwork  = optional(string)
    tags        = optional(list(string))
    all_traffic = optional(bool, true)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.egress.connector == null || var.egress.subnetwork == null
    error_message = "egress must have a connector or a subnetwork, not both."
  }

  validation {
    condition     = var.egress.subnetwork != null || (var.egress.network == null && var.egress.tags == null)
    error_message = "egress must name the subnetwork of its network."
  }
}

variable "max_daily_query_gib" {
  description = "GiB that queries of the runtime may be billed for in a day. It is BigQuery's quota for each user and service account of the project, so it holds for all of them. If it is taken away, the quota stays as it is."
  type        = number
  default     = null

  validation {
    condition     = var.max_daily_query_gib == null ? true : var.max_daily_query_gib >= 1 && floor(var.max_daily_query_gib) == var.max_daily_query_gib
    error_message = "max_daily_query_gib must be a whole number of GiB from 1 on, or null, which leaves the quota as it is."
  }
}

variable "worker_pool" {
  description = "Private pool of Cloud Build that builds the function: `projects/my-project-1/locations/us-central1/workerPools/pool`."
  type        = string
  default     = null

  validation {
    condition     = var.worker_pool == null ? true : can(regex("^projects/[^/]+/locations/[^/]+/workerPools/[^/]+$", var.worker_pool))
    error_message = "worker_pool must be a full name, such as projects/my-project-1/locations/us-central1/workerPools/pool."
  }
}

variable "service_accounts" {
  description = "Email addresses of service accounts that were made elsewhere: `runtime`, `build`, `scheduler`. The module makes the others, and grants all of them what they need."
  type = object({
    runtime   = optional(string)
    build     = optional(string)
    scheduler = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for email in values(var.service_accounts) : email == null ? true : can(regex("^[a-z0-9-]+@[a-z0-9-]+\\.iam\\.gserviceaccount\\.com$", email))
    ])
    error_message = "service_accounts must be email addresses such as sync@my-project-1.iam.gserviceaccount.com, and not the default accounts of Google's services."
  }
}

variable "roles" {
  description = "Roles to grant in place of Google's, by the role that each replaces: `{ \"roles/bigquery.dataEditor\" = \"organizations/123/roles/scannerWriter\" }`."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = length(setsubtract(keys(var.roles), [
      "roles/artifactregistry.writer",
      "roles/bigquery.dataEditor",
      "roles/bigquery.jobUser",
      "roles/cloudfunctions.viewer",
      "roles/iam.serviceAccountTokenCreator",
      "roles/logging.logWriter",
      "roles/pubsub.publisher",
      "roles/pubsub.subscriber",
      "roles/run.invoker",
      "roles/secretmanager.secretAccessor",
      "roles/storage.objectViewer",
    ])) == 0
    error_message = "roles must replace roles that the module grants, such as roles/bigquery.dataEditor."
  }

  validation {
    condition     = alltrue([for role in values(var.roles) : can(regex("^((projects|organizations)/[^/]+/)?roles/[A-Za-z0-9_.]+$", role))])
    error_message = "roles must be full names, such as organizations/123/roles/scannerWriter."
  }
}

variable "bigquery_billing_project" {
  description = "Project in which BigQuery's jobs run, and which pays for them. It has BigQuery's API enabled. By default it is `project_id`."
  type        = string
  default     = null

  validation {
    condition     = var.bigquery_billing_project == null ? true : can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.bigquery_billing_project))
    error_message = "bigquery_billing_project must be 6 to 30 lowercase letters, digits and hyphens, such as my-project-1, or null."
  }
}

variable "project_grants" {
  description = "Whether the module grants the three roles that are on a whole project. If not, grant what the output `project_grants` lists before the first apply."
  type        = bool
  default     = true
  nullable    = false
}
