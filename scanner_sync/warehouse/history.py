"""How the histories are updated.

After a load, one MERGE for each history compares the rows that were just loaded with the states
that are open. It closes the states that are no longer there and opens the new ones. `completion`
runs them, all at the same instant and in one transaction.

The statements are composed here, and not in a file, of the columns that the schema declares.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from google.cloud import bigquery

from scanner_sync import log
from scanner_sync.schema.histories import HISTORIES, HISTORY_COLUMNS, OCCURRENCES, columns_of
from scanner_sync.schema.tables import TABLES
from scanner_sync.warehouse.connection import Connection

_UNREAD: Final = """
    SELECT CAST(JSON_VALUE(item, '$[0]') AS INT64) FROM UNNEST(JSON_QUERY_ARRAY(@listed)) AS item
    WHERE JSON_VALUE(item, '$[1]') IS NULL"""
"""SQL: the ids of the listed issues whose occurrences were not read."""
_MERGE: Final = """
MERGE `{dataset}.{name}` AS past
USING (
  SELECT * FROM (
    SELECT *, CAST(NULL AS STRING) AS known, FALSE AS is_unread, CAST(NULL AS TIMESTAMP) AS read_at,
      TO_HEX(MD5(TO_JSON_STRING(STRUCT(entity_key AS entity_key, {compared})))) AS state_hash
    FROM ({rows}
    )
    UNION ALL
    SELECT {of_history}, {is_unread}, {read_at}, h.state_hash
    FROM `{dataset}.{name}` AS h{reads} WHERE h.valid_to IS NULL
  )
  WHERE TRUE
  -- Neither what is open as it was, nor what was not read, unless it was found elsewhere.
  QUALIFY COUNT(*) OVER (PARTITION BY entity_key, state_hash) = 1
    AND (NOT is_unread OR COUNT(*) OVER (PARTITION BY entity_key) > 1){missed_again}
) AS present
ON past._dlt_id = present.known
WHEN NOT MATCHED BY TARGET THEN
  INSERT ({inserted}) VALUES ({values})
WHEN MATCHED AND past.valid_to IS NULL THEN
  UPDATE SET valid_to = instant{seen}
"""
_OF_OCCURRENCES: Final = {
    "is_unread": "h.issue_id IN ({unread})",
    "read_at": "r.read_at",
    "reads": "\n    LEFT JOIN `{dataset}.occurrence_reads` AS r ON r.issue_id = h.issue_id",
    # Of what too much was missed at once, what this sync, at least 15 minutes later, missed again.
    "missed_again": """
  UNION ALL
  SELECT {of_history}, FALSE, NULL, h.state_hash FROM `{dataset}.{name}` AS h
  WHERE h.confirmed_at IS NULL AND h.issue_id NOT IN ({unread}) AND h.valid_to IN (
    SELECT synced_at FROM `{dataset}.syncs`
    WHERE is_held AND synced_at <= TIMESTAMP_SUB(instant, INTERVAL 15 MINUTE)
  )""",
    "seen": """, last_seen_at = present.read_at
WHEN MATCHED THEN
  UPDATE SET confirmed_at = instant""",
}
"""Parts of the statement for the history of occurrences, which notes when they were last seen."""
_OF_OTHERS: Final = {
    **dict.fromkeys(("reads", "missed_again", "seen"), ""),
    **{"is_unread": "FALSE", "read_at": "NULL"},
}
_KEYED: Final = """
      WITH several AS (
        SELECT occurrence_id FROM `{{dataset}}.{name}`
        WHERE occurrence_id IS NOT NULL AND entity_key LIKE '%/%'
        UNION ALL
        SELECT occurrence_id {of_load} AND occurrence_id IS NOT NULL
        GROUP BY occurrence_id HAVING COUNT(*) > 1
      ),
      -- Each that has no number yet, and the last state of each number that is known. That of an
      -- issue that was not read may have ended.
      round_0 AS (
        SELECT {place}, CAST(NULL AS INT64) AS known, CAST(NULL AS TIMESTAMP) AS until,
          CAST(NULL AS INT64) AS number
        {of_load} AND occurrence_id IN (SELECT occurrence_id FROM several)
        UNION ALL
        SELECT {place}, COALESCE(CAST(REGEXP_EXTRACT(entity_key, '/([0-9]{{1,9}})$') AS INT64), 1),
          COALESCE(valid_to, IF(issue_id IN ({unread}), instant, TIMESTAMP '9999-12-31')), NULL
        FROM `{{dataset}}.{name}` WHERE occurrence_id IN (SELECT occurrence_id FROM several)
        QUALIFY ROW_NUMBER() OVER (PARTITION BY entity_key ORDER BY valid_from DESC) = 1
      ){rounds},
      keys AS (
        SELECT issue_id, id,
          IF(n = 1, shared, CONCAT(shared, '/', CAST(n AS STRING))) AS key_of_several
        FROM (
          SELECT *, COALESCE(number, COALESCE(MAX(known) OVER (PARTITION BY shared), 0)
            + ROW_NUMBER() OVER (
              PARTITION BY shared, number IS NULL, known IS NULL ORDER BY spot, issue_id, id)) AS n
          FROM round_{last}
        )
        WHERE known IS NULL
      )
      SELECT COALESCE(key_of_several, CAST(occurrence_id AS STRING), CONCAT(
          CAST(issue_id AS STRING), '/id/', CAST(id AS STRING))) AS entity_key,
        {listed}, _dlt_load_id
      FROM (SELECT * {of_load}) LEFT JOIN keys USING (issue_id, id)"""
"""SQL: the occurrences of a load with their keys."""
_ROUND: Final = """,
      round_{after} AS (
        SELECT * EXCEPT (nth, number), COALESCE(number,
          IF(COUNT(*) OVER pair = 2{if_alone}, MAX(known) OVER pair, NULL)) AS number
        FROM (
          SELECT *, ROW_NUMBER() OVER (
            PARTITION BY {place}, number IS NULL, known IS NULL
            ORDER BY until DESC, known, issue_id, id) AS nth
          FROM round_{before}
        )
        WINDOW pair AS (PARTITION BY {place}, number IS NULL, nth)
      )"""
"""SQL: one without a number and a number that none has yet are a pair if they are in one place."""
_ALONE: Final = " AND COUNT(IF(known IS NULL, 1, NULL)) OVER (PARTITION BY {place}) = 1"
_PLACE: Final = """issue_id, id, CAST(occurrence_id AS STRING) AS shared,
          TO_JSON_STRING([
            COALESCE(target, ''), COALESCE(port, ''), COALESCE(protocol, '')]) AS spot"""
"""SQL: an occurrence, and where it is."""
_PLACES: Final = {
    "shared, spot, issue_id": "",
    "shared, spot": "",
    "shared, issue_id": _ALONE,
    "shared": _ALONE,
}
"""What a place is in each round, and whether only one of the load may be there."""
_SET: Final = (
    "(SELECT STRING_AGG(DISTINCT TO_JSON_STRING(item), ',' ORDER BY TO_JSON_STRING(item))"
    " FROM UNNEST(JSON_QUERY_ARRAY({column})) AS item) AS {column}"
)


def ensure_histories(connection: Connection, existing: Mapping[str, bigquery.Table]) -> None:
    """Create the histories, and add the columns that they lack. Makes API calls only, no jobs.

    `existing` holds the tables that exist. Logs `history_started` if a history is created after the
    first sync, because what it held before, if anything, is lost.
    """
    for name, history in HISTORIES.items():
        columns = {
            column: of if column in HISTORY_COLUMNS else of._replace(required=False)
            for column, of in columns_of(name).items()
        }
        connection.ensure_table(name, columns, existing.get(name))
        if name not in existing and history.table in existing:
            log.event("history_started", logging.WARNING, table=name)


def merge_history(name: str, load: str) -> str:
    """Return the statement that closes and opens the states of a history.

    `load` is SQL for the id of the load whose rows it compares. It uses the variable `instant`, the
    time of the sync. What is open of issues whose occurrences were not read, by the parameter
    `listed`, stays as it is, unless it was found in another issue.
    """
    history = HISTORIES[name]
    kept = [*history.unversioned, *history.versioned]
    inserted = ["entity_key", "state_hash", *kept, "_dlt_load_id", "_dlt_id", "valid_from"]
    values = [*inserted[:-2], "GENERATE_UUID()", "instant"]
    columns = ["entity_key", *kept, "_dlt_load_id", "_dlt_id"]
    parts = {"dataset": "{dataset}", "name": name, "unread": _UNREAD}
    parts["of_history"] = ", ".join(f"h.{column}" for column in columns)
    own = _OF_OCCURRENCES if name == OCCURRENCES else _OF_OTHERS
    return _MERGE.format(
        **parts,
        **{part: sql.format(**parts) for part, sql in own.items()},
        rows=_with_keys(name, load, kept),
        compared=", ".join(_compared(history.table, column) for column in history.versioned),
        inserted=", ".join(inserted),
        values=", ".join(values),
    )


def _with_keys(name: str, load: str, columns: Sequence[str]) -> str:
    """Return SQL for the rows of a load, with the key of the entity that each is."""
    of_load = f"FROM `{{dataset}}.{HISTORIES[name].table}` WHERE _dlt_load_id = {load}"
    listed = ", ".join(columns)
    if name != OCCURRENCES:
        return f"""
      SELECT CAST(id AS STRING) AS entity_key, {listed}, _dlt_load_id {of_load}"""
    # An occurrence is known by its `occurrence_id`, which persists; its `id` may change between
    # scans, and so may its issue. Where several have one, they are numbered: each keeps the number
    # that its host and port had last, first of all in its issue. One that is alone, in its issue or
    # at all, keeps the last number there, and a new one gets the next. Of one that only one has, or
    # had, nothing has to be worked out.
    rounds = [
        _ROUND.format(
            before=before, after=before + 1, place=place, if_alone=if_alone.format(place=place)
        )
        for before, (place, if_alone) in enumerate(_PLACES.items())
    ]
    return _KEYED.format(
        name=name,
        listed=listed,
        of_load=of_load,
        place=_PLACE,
        unread=_UNREAD,
        rounds="".join(rounds),
        last=len(rounds),
    )


def _compared(table: str, column: str) -> str:
    """Return SQL for what the hash takes of a column: an array counts as a set."""
    if TABLES[table].columns[column].type != "array":
        return f"{column} AS {column}"  # the local BigQuery gives the field no name otherwise
    return _SET.format(column=column)
