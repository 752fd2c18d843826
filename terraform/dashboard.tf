locals {
  # The mean of a measurement over the runs in an interval: with one run, its value.
  per_run = {
    for measurement in keys(local.measurements) :
    measurement => join(" / ", [
      "sum(increase(${local.metric_prefix}${measurement}_sum{${local.metric_selector}}[$${__interval}]))",
      "(sum(increase(${local.metric_prefix}${measurement}_count{${local.metric_selector}}[$${__interval}])) > 0)",
    ])
  }

  # Two charts per row of 48 columns. `query` is PromQL; `legend` names its line, or null to use the metric's labels.
  charts = [
    {
      title   = "Runs and failures"
      type    = "STACKED_BAR"
      label   = "runs"
      queries = [{ query = "sum by (outcome) (increase(${local.metric_prefix}runs{${local.metric_selector}}[$${__interval}]))", legend = null }]
    },
    {
      title   = "Duration of a run"
      type    = "LINE"
      label   = "seconds"
      queries = [{ query = local.per_run.seconds, legend = "seconds" }]
    },
    {
      title   = "Rows by table"
      type    = "STACKED_BAR"
      label   = "rows"
      queries = [{ query = "sum by (table) (increase(${local.metric_prefix}rows_sum{${local.metric_selector}}[$${__interval}]))", legend = null }]
    },
    {
      title = "Requests and 429s"
      type  = "LINE"
      label = "requests"
      queries = [
        for measurement, legend in { requests = "requests", throttled = "answers 429" } :
        { query = "sum(increase(${local.metric_prefix}${measurement}_sum{${local.metric_selector}}[$${__interval}]))", legend = legend }
      ]
    },
    {
      title = "Issues per run"
      type  = "LINE"
      label = "issues"
      queries = [
        for measurement, legend in { issues_listed = "listed", issues_read = "occurrences read", issues_waiting = "waiting" } :
        { query = local.per_run[measurement], legend = legend }
      ]
    },
    {
      title   = "Age of the oldest occurrences"
      type    = "LINE"
      label   = "hours"
      queries = [{ query = local.per_run.oldest_hours, legend = "hours" }]
    },
    {
      title   = "Occurrences that disappeared at once"
      type    = "STACKED_BAR"
      label   = "occurrences"
      queries = [{ query = "sum(increase(${local.metric_prefix}disappeared_sum{${local.metric_selector}}[$${__interval}]))", legend = "occurrences" }]
    },
    {
      title = "Memory, share of ${var.memory}"
      type  = "LINE"
      label = "share"
      queries = [{
        query  = "histogram_quantile(0.99, sum by (le) (increase(run_googleapis_com:container_memory_utilizations_bucket{${local.metric_selector}}[$${__interval}])))"
        legend = "memory"
      }]
    },
  ]
}

resource "google_monitoring_dashboard" "sync" {
  project = var.project_id
  dashboard_json = jsonencode({
    displayName = var.name
    labels      = local.labels

    mosaicLayout = {
      columns = 48
      tiles = [
        for index, chart in local.charts : merge(
          # The API drops a position of 0. Given here, it would be a change in every plan.
          { for key, position in { xPos = (index % 2) * 24, yPos = floor(index / 2) * 16 } : key => position if position > 0 },
          {
            width  = 24
            height = 16

            widget = {
              title = chart.title
              xyChart = {
                yAxis = { label = chart.label, scale = "LINEAR" }
                dataSets = [
                  for query in chart.queries : merge(
                    {
                      plotType        = chart.type
                      targetAxis      = "Y1"
                      timeSeriesQuery = { prometheusQuery = query.query }
                    },
                    query.legend == null ? {} : { legendTemplate = query.legend },
                  )
                ]
              }
            }
          },
        )
      ]
    }
  })

  depends_on = [time_sleep.until_apis_work]
}
