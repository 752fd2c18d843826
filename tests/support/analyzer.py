"""Whether BigQuery would take a statement: Google's own analyzer resolves it and checks its types.

The local BigQuery takes statements that BigQuery refuses, such as a comparison of JSON. ZetaSQL is
the analyzer inside BigQuery, and the package `zetasql` runs it here, with tables that are declared.

`python -m tests.support.analyzer FILE...` analyzes SQL (- is standard input) with the tables and
views of the program in the dataset `{dataset}`, and prints the columns of its last query. A
parameter may have any type that fits.
"""

import contextlib
import functools
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import wasmtime
from zetasql import types
from zetasql.api import (
    CatalogBuilder,
    ConstantBuilder,
    FunctionBuilder,
    Parser,
    ResolvedNodeVisitor,
    TableBuilder,
    TypeFactory,
)
from zetasql.core import ServerError, ZetaSqlLocalService, wasm_client
from zetasql.types import (
    FunctionEnums,
    FunctionSignatureId,
    LanguageFeature,
    SignatureArgumentKind,
    TypeKind,
)

from tests.support.analysis import declared, parts_of, shape_of


class _CompiledOnce(wasmtime.Config):
    """Has the analyzer compiled once, and kept in the user's cache, as uv does with packages.

    To start it takes 28 seconds of processor time if it has to be compiled, and 0.4 if not.
    """

    def __init__(self) -> None:
        super().__init__()
        with contextlib.suppress(wasmtime.WasmtimeError):  # the user's folder cannot be written
            self.cache = True


wasm_client.Config = _CompiledOnce  # which makes one with its defaults

Columns: TypeAlias = Mapping[str, str]
"""The types of columns by name, such as `INT64` and `ARRAY<STRING>`."""

_KINDS: Final = {
    "INT64": TypeKind.TYPE_INT64,
    "FLOAT64": TypeKind.TYPE_DOUBLE,
    "BOOL": TypeKind.TYPE_BOOL,
    "STRING": TypeKind.TYPE_STRING,
    "BYTES": TypeKind.TYPE_BYTES,
    "DATE": TypeKind.TYPE_DATE,
    "DATETIME": TypeKind.TYPE_DATETIME,
    "TIME": TypeKind.TYPE_TIME,
    "TIMESTAMP": TypeKind.TYPE_TIMESTAMP,
    "NUMERIC": TypeKind.TYPE_NUMERIC,
    "BIGNUMERIC": TypeKind.TYPE_BIGNUMERIC,
    "JSON": TypeKind.TYPE_JSON,
}
_TYPE_NAMES: Final = {kind: name for name, kind in _KINDS.items()}
_NOT_IN_BIGQUERY: Final = {
    LanguageFeature.FEATURE_AGGREGATE_FILTERING,
    LanguageFeature.FEATURE_ARRAY_EQUALITY,
    LanguageFeature.FEATURE_ARRAY_GREATEST_LEAST,
    LanguageFeature.FEATURE_DML_RETURNING,
    LanguageFeature.FEATURE_FOR_UPDATE,
    LanguageFeature.FEATURE_INSERT_ON_CONFLICT_CLAUSE,
    LanguageFeature.FEATURE_JSON_TYPE_COMPARISON,
    LanguageFeature.FEATURE_LATERAL_COLUMN_REFERENCES,
    LanguageFeature.FEATURE_LIMIT_OFFSET_EXPRESSIONS,
    LanguageFeature.FEATURE_MAP_TYPE,
    LanguageFeature.FEATURE_MULTILEVEL_AGGREGATION,
    LanguageFeature.FEATURE_NULLIFZERO_ZEROIFNULL,
    LanguageFeature.FEATURE_TIMESTAMP_NANOS,
    LanguageFeature.FEATURE_TIMESTAMP_PICOS,
    LanguageFeature.FEATURE_UUID_TYPE,
}
"""Features of ZetaSQL that BigQuery does not have."""
_ARRAY_FUNCTIONS: Final = re.compile(
    "FN_ARRAY_(AGG|AT_|CONCAT|FIRST$|LAST$|LENGTH|REVERSE|SLICE|TO_STRING)"
)
"""Functions and operators of arrays that BigQuery has, by their ids. It takes no lambda."""
_ANALYTIC: Final = {"PERCENTILE_CONT", "PERCENTILE_DISC"}
"""Functions that BigQuery has only with OVER. No feature of ZetaSQL says so."""

_ONE_STATEMENT: Final = re.compile(
    r"\s*(ALTER|CREATE|DELETE|DROP|INSERT|MERGE|SELECT|UPDATE|WITH)\b[^;]*[;\s]*"
)
"""What is surely one statement, and no script, so it need not be parsed before it is analyzed."""

_taken: dict[str, dict[str, str] | None] = {}
"""The columns of the statements that were taken, and None of those that are no query. Scripts that
differ in one statement have all the others in common, and to analyze one takes 30 ms."""


class Refused(Exception):
    """BigQuery would refuse a statement. The message is the analyzer's reason and the statement."""


def resolve(
    sql: str, tables: Mapping[str, Columns], parameters: Columns | Sequence[str] | None = None
) -> dict[str, str]:
    """Resolve the statements of a script, and return the columns of the last query.

    `tables` are the tables and views by name, which `sql` has in one pair of backticks.
    `parameters` are the types of the parameters, by name or in order; if it is None, any type that
    fits is taken. Raises `Refused`.
    """
    script = _Script(sql, tables, parameters)
    try:
        script.resolve()
    except ServerError as error:
        raise Refused(f"{error.message}, in: {script.statement}") from None
    return script.columns


class _Aggregates(ResolvedNodeVisitor):  # type: ignore[misc] # zetasql has no types
    """Finds the functions that are used as aggregates."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_ResolvedAggregateFunctionCall(self, node: Any) -> None:  # noqa: N802 - its name
        """Note the function, and go on with what it is called with."""
        self.names.add(node.function.name.rpartition(":")[2].upper())
        self.descend(node)


class _Script:
    """The statements of a script, which may declare variables and have conditions."""

    def __init__(
        self, sql: str, tables: Mapping[str, Columns], parameters: Columns | Sequence[str] | None
    ) -> None:
        self.columns: dict[str, str] = {}
        """The columns of the last query."""
        self.statement = sql
        """The statement that is resolved."""
        self._variables: dict[str, str] = {}
        self._tables = tables
        self._parameters = parameters
        self._options = types.AnalyzerOptions(
            language_options=_language(), allow_undeclared_parameters=parameters is None
        )
        if isinstance(parameters, Mapping):
            self._options.query_parameters = [
                types.AnalyzerOptions.QueryParameter(name=name, type=_type(of))
                for name, of in parameters.items()
            ]
        elif parameters:
            self._options.parameter_mode = types.ParameterMode.PARAMETER_POSITIONAL
            self._options.positional_query_parameters = [_type(of) for of in parameters]

    def resolve(self) -> None:
        if _ONE_STATEMENT.fullmatch(self.statement):
            self.statement = self.statement.strip("; \n")
            self._analyze(self.statement)
            return
        for part, statements in _parsed_parts(self.statement):
            self._part = part.encode()
            self._run(statements)

    def _run(self, statements: Iterable[Any]) -> None:
        for statement in statements:
            self.statement = self._text(statement)
            match type(statement).__name__:
                case "ASTVariableDeclaration":
                    self._declare(statement)
                case "ASTAssignmentFromStruct":
                    names = map(self._text, statement.variables.identifier_list)
                    kinds = ", ".join(self._variables[name] for name in names)
                    row = self._text(statement.struct_expression)
                    self._analyze(f"SELECT IF(TRUE, CAST(NULL AS STRUCT<{kinds}>), {row})")
                case "ASTIfStatement":
                    self._analyze(f"SELECT IF({self._text(statement.condition)}, 1, 0)")
                    assert statement.elseif_clauses is None
                    self._run(statement.then_list.statement_list)
                    if statement.else_list:
                        self._run(statement.else_list.statement_list)
                case _:
                    self._analyze(self.statement)

    def _declare(self, statement: Any) -> None:
        kind = self._text(statement.type)
        default = self._text(statement.default_value) if statement.default_value else "NULL"
        self._analyze(f"SELECT IF(TRUE, CAST(NULL AS {kind}), {default})")
        for variable in statement.variable_list.identifier_list:
            self._variables[self._text(variable)] = kind

    def _text(self, node: Any) -> str:
        of = node.parse_location_range
        return self._part[of.start : of.end].decode()

    def _analyze(self, statement: str) -> None:
        tables = {name: of for name, of in self._tables.items() if f"`{name}`" in statement}
        key = json.dumps([shape_of(statement), tables, self._variables, self._parameters])
        if key not in _taken:
            _taken[key] = self._columns_of(statement, tables)
        self.columns = _taken[key] or self.columns

    def _columns_of(self, statement: str, tables: Mapping[str, Columns]) -> dict[str, str] | None:
        """Return the columns of a statement, or None if it is no query."""
        found = ZetaSqlLocalService.get_instance().analyze(
            sql_statement=statement,
            options=self._options,
            registered_catalog_id=_catalog(json.dumps([tables, self._variables])),
        )
        resolved = found.resolved_statement
        if "PERCENTILE_" in statement.upper():
            (aggregates := _Aggregates()).visit(resolved)
            for name in aggregates.names & _ANALYTIC:
                raise Refused(f"{name} needs OVER, in: {statement}")
        if not isinstance(resolved, types.ResolvedQueryStmt):
            return None
        return {
            column.name: _type_name(column.column.type) for column in resolved.output_column_list
        }


def _parsed_parts(script: str) -> list[tuple[str, Any]]:
    """Return the parts of a script with their statements, which are parsed once for all scripts.

    To parse a sync's script takes as long as to analyze it, and scripts differ in few statements.
    """
    parts = [part for part in parts_of(script) if part.split() != ["END", "IF"]]
    closed = [f"{part}; END IF" if part.lstrip().startswith("IF ") else part for part in parts]
    try:
        return [(part, _parsed(part)) for part in closed]
    except ServerError:  # a part cannot be parsed alone, such as one that begins with ELSE
        return [(script, _parsed(script))]


@functools.lru_cache(1000)
def _parsed(script: str) -> Any:
    return Parser(_language()).parse_script(script).statement_list_node.statement_list


@functools.cache
def _catalog(declared: str) -> int:
    """Return the id of a catalog with these tables and variables, as JSON.

    To make one takes 24 ms, half of the time of a short statement, and 0.5 MB.
    """
    tables, variables = json.loads(declared)
    catalog = CatalogBuilder("bigquery").with_builtin_functions(_functions())
    for name in ("MAX_BY", "MIN_BY"):
        catalog.add_function(_by(name))
    for name, columns in tables.items():
        table = TableBuilder(name)
        for column, of in columns.items():
            table.add_column(column, _type(of))
        catalog.add_table(table.build())
    # A column hides a variable of its name, as it hides a constant.
    for variable, of in variables.items():
        catalog.add_constant(ConstantBuilder(variable).set_type(_type(of)).build())
    service = ZetaSqlLocalService.get_instance()
    return int(service.register_catalog(simple_catalog=catalog.build()).registered_id)


@functools.cache
def _functions() -> types.ZetaSQLBuiltinFunctionOptions:
    return types.ZetaSQLBuiltinFunctionOptions(
        language_options=_language(),
        exclude_function_ids=[
            each
            for each in FunctionSignatureId
            if each.name.startswith("FN_ARRAY_") and not _ARRAY_FUNCTIONS.match(each.name)
        ],
    )


@functools.cache
def _language() -> types.LanguageOptions:
    options = types.LanguageOptions.maximum_features()
    options.product_mode = types.ProductMode.PRODUCT_EXTERNAL
    options.enabled_language_features = [
        feature for feature in options.enabled_language_features if feature not in _NOT_IN_BIGQUERY
    ]
    return options


def _by(name: str) -> Any:
    """Return MAX_BY or MIN_BY, which BigQuery has and ZetaSQL has not.

    BigQuery's documentation: `MAX_BY(x, y)` is `ANY_VALUE(x HAVING MAX y)`; `y` is orderable, and
    the result has the type of `x`.
    """
    x = types.FunctionArgumentType(kind=SignatureArgumentKind.ARG_TYPE_ANY_1)
    y = types.FunctionArgumentType(
        kind=SignatureArgumentKind.ARG_TYPE_ANY_2,
        options=types.FunctionArgumentTypeOptions(must_support_ordering=True),
    )
    signature = types.FunctionSignature(argument=[x, y], return_type=x)
    aggregate = FunctionBuilder(name, mode=FunctionEnums.Mode.AGGREGATE)
    return aggregate.add_signature(signature).build()


def _type(name: str) -> Any:
    if element := re.fullmatch(r"ARRAY<(.*)>", name):
        return TypeFactory.create_array_type(_type(element[1]))
    return TypeFactory.create_simple_type(_KINDS[name])


def _type_name(of: Any) -> str:
    if of.type_kind == TypeKind.TYPE_ARRAY:
        return f"ARRAY<{_type_name(of.array_type.element_type)}>"
    return _TYPE_NAMES.get(of.type_kind) or TypeKind(of.type_kind).name.removeprefix("TYPE_")


if __name__ == "__main__":
    tables = declared()
    for path in sys.argv[1:]:
        text = Path("/dev/stdin" if path == "-" else path).read_text()
        try:
            print(path, resolve(text.replace("{dataset}", "d1"), tables))
        except Refused as refused:
            sys.exit(f"{path}: {refused}")
