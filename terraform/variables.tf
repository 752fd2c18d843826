variable "project_id" {
  description = "Project that holds everything."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id is 6 to 30 lower-case letters, digits and hyphens, as in my-project-1."
  }
}

variable "api_base_url" {
  description = "Base URL of the scanner's API, as in `https://api.intruder.io/v1`."
  type        = string

  # No user, password, query or fragment: what stands here ends up in the state and in the function's settings.
  validation {
    condition     = can(regex("^https://[A-Za-z0-9.-]+(:[0-9]+)?(/[^?#\\s]*)?$", var.api_base_url))
    error_message = "api_base_url is an https URL with no user, query or fragment, as in https://api.intruder.io/v1."
  }
}

variable "region" {
  description = "Region of the function, its trigger, its source and its images."
  type        = string
  default     = "us-central1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]{1,2}$", var.region))
    error_message = "region is the name of one region, as in europe-west1; a zone or a multi-region does not fit."
  }
}

variable "name" {
  description = "Name of the function; what else is made takes it as the start of its name."
  type        = string
  default     = "scanner-sync"

  # A service account's id is 30 characters at most, and the longest ending here is `-scheduler`.
  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,18}[a-z0-9])$", var.name))
    error_message = "name is 2 to 20 lower-case letters, digits and hyphens, and starts with a letter."
  }
}

variable "labels" {
  description = "Labels for all that takes them, besides `app` and `managed-by`."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([
      for key, value in var.labels :
      can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))
    ])
    error_message = "labels hold lower-case letters, digits, _ and - only, 63 at most; a key starts with a letter."
  }
}

variable "trigger" {
  description = "What starts a run: `http` (Cloud Scheduler calls the function) or `pubsub` (Cloud Scheduler publishes, a push subscription calls)."
  type        = string
  default     = "http"

  validation {
    condition     = contains(["http", "pubsub"], var.trigger)
    error_message = "trigger is http or pubsub."
  }
}

variable "schedule" {
  description = "When a run starts, in unix-cron form; at least once a month."
  type        = string
  default     = "0 */6 * * *"

  # A field is a list of items; an item is `*`, a number, a range, or one of the first and the last with a step.
  validation {
    condition = can(regex(
      format("^%s %s %s [*] %s$", [
        for number in ["[0-5]?[0-9]", "(?:1?[0-9]|2[0-3])", "(?:[1-9]|[12][0-9]|3[01])", "(?:[0-7]|sun|mon|tue|wed|thu|fri|sat)"] :
        replace("I(?:,I)*", "I", replace("(?:(?:[*]|N-N)(?:/[1-9][0-9]?)?|N)", "N", number))
      ]...),
      lower(var.schedule)
    ))
    error_message = "schedule is five cron fields with `*` as the month, as in `0 */6 * * *` or `30 4 * * mon`."
  }

  validation {
    condition = alltrue(concat(
      [for range in regexall("([0-9]+)-([0-9]+)", var.schedule) : tonumber(range[0]) <= tonumber(range[1])],
      [
        for range in regexall("([a-z]{3})-([a-z]{3})", lower(var.schedule)) :
        try(index(["sun", "mon", "tue", "wed", "thu", "fri", "sat"], range[0]) <= index(["sun", "mon", "tue", "wed", "thu", "fri", "sat"], range[1]), false)
      ],
    ))
    error_message = "schedule has a range that ends before it starts: write `sat,sun`, not `sat-sun`."
  }
}

variable "time_zone" {
  description = "Time zone of `schedule`, a name of the tz database."
  type        = string
  default     = "Etc/UTC"

  # The areas of the tz database. Terraform has no list of the places in them.
  validation {
    condition = can(regex(
      "^(UTC|(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific)(/[A-Za-z0-9_+-]+){1,2})$",
      var.time_zone
    ))
    error_message = "time_zone is a name of the tz database, as in Europe/Berlin or Etc/UTC; an abbreviation or an offset does not fit."
  }
}

variable "run_deadline_seconds" {
  description = "A run gives up after so many seconds. The function's timeout is 60 s longer, and the caller's deadline 60 s longer again. Unless given: 1500 by `http`, 420 by `pubsub`."
  type        = number
  default     = null

  # Cloud Scheduler waits 30 minutes for an answer, Pub/Sub 10: 120 s less leaves room for the two limits above.
  validation {
    condition = var.run_deadline_seconds == null ? true : (
      var.run_deadline_seconds >= 60
      && var.run_deadline_seconds <= (var.trigger == "pubsub" ? 480 : 1680)
      && floor(var.run_deadline_seconds) == var.run_deadline_seconds
    )
    error_message = "run_deadline_seconds is a whole number from 60 to 1680 by http (the caller waits 30 minutes), to 480 by pubsub (an event has 9 minutes)."
  }
}

variable "ingress" {
  description = "Networks that the function can be called from. IAM decides who may call in each of them."
  type        = string
  default     = "ALLOW_ALL"

  validation {
    condition     = contains(["ALLOW_ALL", "ALLOW_INTERNAL_ONLY", "ALLOW_INTERNAL_AND_GCLB"], var.ingress)
    error_message = "ingress is ALLOW_ALL, ALLOW_INTERNAL_ONLY or ALLOW_INTERNAL_AND_GCLB."
  }
}

variable "invokers" {
  description = "Members that may start a run by hand with `gcloud functions call`, as in `user:ada@example.com`; `http` only."
  type        = set(string)
  default     = []

  validation {
    condition = alltrue([
      for member in var.invokers :
      can(regex("^(user|group|serviceAccount):[^:@\\s]+@[^:@\\s]+$", member))
      || can(regex("^(principal|principalSet)://iam[.]googleapis[.]com/[^\\s]+$", member))
    ])
    error_message = "invokers are members such as user:ada@example.com or group:security@example.com; allUsers, allAuthenticatedUsers and whole domains do not fit."
  }

  validation {
    condition     = var.trigger == "http" || length(var.invokers) == 0
    error_message = "invokers call a function that answers HTTP. By pubsub a run is started with `gcloud scheduler jobs run`."
  }
}

variable "memory" {
  description = "Memory of the function."
  type        = string
  default     = "1Gi"

  # 256 MiB do not hold dlt and its libraries. One CPU, which is what the function gets, allows 4 GiB at most.
  validation {
    condition     = contains(["512Mi", "1Gi", "2Gi", "4Gi"], var.memory)
    error_message = "memory is 512Mi, 1Gi, 2Gi or 4Gi."
  }
}

variable "dataset" {
  description = "BigQuery dataset of the tables. Its twin, with `_staging` at the end, holds rows on their way in."
  type        = string
  default     = "scanner"

  # The program takes these names alone: dlt would write any other form as one of them, which is then another dataset.
  validation {
    condition     = can(regex("^[a-z](_?[a-z0-9]){0,99}$", var.dataset)) && !endswith(var.dataset, "_staging")
    error_message = "dataset is lower-case letters and digits with single underscores between them; `_staging` at the end is taken."
  }
}

variable "bigquery_location" {
  description = "Where BigQuery keeps the tables: `US`, `EU` or a region. It cannot be changed later."
  type        = string
  default     = "US"

  validation {
    condition     = can(regex("^(US|EU|[a-z]+-[a-z]+[0-9]{1,2})$", var.bigquery_location))
    error_message = "bigquery_location is US, EU or a region, as in europe-west1."
  }
}

variable "deletion_protection" {
  description = "Refuse to destroy the datasets and the secret."
  type        = bool
  default     = true
  nullable    = false
}

variable "page_size" {
  description = "Rows asked for per request."
  type        = number
  default     = 100

  validation {
    condition     = var.page_size >= 1 && var.page_size <= 10000 && floor(var.page_size) == var.page_size
    error_message = "page_size is a whole number from 1 to 10000."
  }
}

variable "max_concurrent_requests" {
  description = "Requests to the API under way at once."
  type        = number
  default     = 20

  validation {
    condition     = var.max_concurrent_requests >= 1 && var.max_concurrent_requests <= 200 && floor(var.max_concurrent_requests) == var.max_concurrent_requests
    error_message = "max_concurrent_requests is a whole number from 1 to 200."
  }
}

variable "history" {
  description = "Keep the histories, and the views on them."
  type        = bool
  default     = true
  nullable    = false
}

variable "log_level" {
  description = "Least severe log line that the function writes. The metrics and the last runs are read from `INFO` lines."
  type        = string
  default     = "INFO"

  # WARNING and above would silence `sync_finished`, and the alert on missing runs would fire for ever.
  validation {
    condition     = contains(["DEBUG", "INFO"], var.log_level)
    error_message = "log_level is DEBUG or INFO: above INFO no run is seen to succeed."
  }
}

variable "notification_channels" {
  description = "Channels that alerts go to, as in `projects/my-project-1/notificationChannels/123`."
  type        = list(string)
  default     = []

  validation {
    condition = alltrue([
      for channel in var.notification_channels : can(regex("^projects/[^/\\s]+/notificationChannels/[^/\\s]+$", channel))
    ])
    error_message = "notification_channels are full names, as in projects/my-project-1/notificationChannels/123."
  }
}
