# What the cron expression says, worked out from it: the longest time between two runs. The alert on missing runs needs
# it, and asking for it in a variable of its own would let the two disagree. The form is checked in variables.tf.

locals {
  schedule_fields = split(" ", lower(var.schedule))

  schedule_ranges = {
    minute       = { position = 0, first = 0, last = 59 }
    hour         = { position = 1, first = 0, last = 23 }
    day_of_month = { position = 2, first = 1, last = 31 }
    day_of_week  = { position = 4, first = 0, last = 7 } # cron has two numbers for Sunday
  }

  weekdays = { sun = 0, mon = 1, tue = 2, wed = 3, thu = 4, fri = 5, sat = 6 }

  # The numbers that each field stands for: `*` or a first number, perhaps a last one, perhaps a step.
  schedule_values = {
    for name, field in local.schedule_ranges : name => flatten([
      for item in regexall("([*]|\\w+)(?:-(\\w+))?(?:/(\\d+))?", try(local.schedule_fields[field.position], "*")) : try(range(
        item[0] == "*" ? field.first : tonumber(try(local.weekdays[item[0]], item[0])),
        1 + (item[0] == "*" ? field.last : tonumber(try(local.weekdays[coalesce(item[1], item[0])], coalesce(item[1], item[0])))),
        coalesce(item[2], 1)
      ), [])
    ])
  }

  # In order, each once.
  minutes       = [for value in range(0, 60) : value if contains(local.schedule_values.minute, value)]
  hours         = [for value in range(0, 24) : value if contains(local.schedule_values.hour, value)]
  days_of_month = [for value in range(1, 32) : value if contains(local.schedule_values.day_of_month, value)]
  days_of_week  = [for value in range(0, 7) : value if contains([for day in local.schedule_values.day_of_week : day % 7], value)]

  # Each hour of a week in which a run starts, counted from Sunday 00:00.
  hours_of_week = flatten([for day in local.days_of_week : [for hour in local.hours : day * 24 + hour]])

  # From each to the next, and from the last to the first of the next round.
  longest_gap_minutes = {
    within_an_hour = max(0, [for index, value in local.minutes : try(local.minutes[index + 1], local.minutes[0] + 60) - value]...)
    within_a_week  = 60 * max(0, [for index, value in local.hours_of_week : try(local.hours_of_week[index + 1], local.hours_of_week[0] + 168) - value]...)
    within_a_month = 1440 * max(0, [for index, value in local.days_of_month : try(local.days_of_month[index + 1], local.days_of_month[0] + 31) - value]...)
  }

  # Cron runs on the days that either day field names when both are restricted, and on those that the one names otherwise.
  schedule_period_minutes = (
    try(local.schedule_fields[2], "*") != "*" && try(local.schedule_fields[4], "*") != "*"
    ? min(local.longest_gap_minutes.within_a_week, local.longest_gap_minutes.within_a_month)
    : try(local.schedule_fields[2], "*") != "*" ? local.longest_gap_minutes.within_a_month
    : length(local.hours_of_week) == 168 ? local.longest_gap_minutes.within_an_hour
    : local.longest_gap_minutes.within_a_week
  )
}
