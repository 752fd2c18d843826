#!/bin/sh
# Library: zetasql 0.1.5 (PyPI), Google's analyzer
# Summary: With all features it takes statements that BigQuery refuses, and it does not know MAX_BY.
# Guess: of BigQuery's analyzer one may expect that what it takes is BigQuery's SQL, and that it knows BigQuery's
#   functions.
# Behavior: with all features it takes what BigQuery refuses, such as PERCENTILE_CONT without OVER, THEN RETURN,
#   FOR UPDATE and ARRAY_FILTER, and a comparison of JSON. It does not know MAX_BY, which BigQuery has.
# Output:
#     taken: SELECT PERCENTILE_CONT(x, 0.5) FROM t
#     taken: DELETE FROM t WHERE x = 1 THEN RETURN x
#     taken: SELECT x FROM t FOR UPDATE
#     taken: SELECT ARRAY_FILTER([1], n -> n > 1)
#     taken: SELECT j = j FROM t
#     refused: SELECT MAX_BY(x, x) FROM t
# Why it matters: a check of SQL before it reaches BigQuery passes statements that fail there. This project's
#   tests switch features and functions off, refuse the percentiles that are aggregates, and declare MAX_BY.
# Used in: docs/decisions.md#every-statement-resolved-by-googles-analyzer, tests/support/analyzer.py,
#   tests/test_analysis.py::test_statements_are_held_to_the_tables_of_the_moment
set -eu
packages="zetasql==0.1.5"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir" >"$dir/output" <<'END'
from zetasql import types
from zetasql.api import Analyzer, CatalogBuilder, TableBuilder, TypeFactory
from zetasql.core import ServerError
from zetasql.types import TypeKind

language = types.LanguageOptions.maximum_features()
table = TableBuilder("t")
for name, kind in (("x", TypeKind.TYPE_INT64), ("j", TypeKind.TYPE_JSON)):
    table.add_column(name, TypeFactory.create_simple_type(kind))
functions = types.ZetaSQLBuiltinFunctionOptions(language_options=language)
catalog = CatalogBuilder("c").with_builtin_functions(functions).add_table(table.build()).build()
for sql in (
    "SELECT PERCENTILE_CONT(x, 0.5) FROM t",
    "DELETE FROM t WHERE x = 1 THEN RETURN x",
    "SELECT x FROM t FOR UPDATE",
    "SELECT ARRAY_FILTER([1], n -> n > 1)",
    "SELECT j = j FROM t",
    "SELECT MAX_BY(x, x) FROM t",
):
    try:
        Analyzer(types.AnalyzerOptions(language_options=language), catalog).analyze_statement(sql)
        print("taken:", sql)
    except ServerError:
        print("refused:", sql)
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
