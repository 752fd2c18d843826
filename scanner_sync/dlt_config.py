"""dlt's configuration, taken from the settings and from nothing else.

By default dlt looks up every value it is not given in the environment, `.dlt/` and `~/.dlt/`, under
names as common as `REFRESH` or `DEV_MODE`, and sends usage data to its vendor.
"""

import logging
import tempfile

from dlt.common.configuration.container import Container
from dlt.common.configuration.providers import ConfigProvider, DictionaryProvider
from dlt.common.configuration.specs import PluggableRunContext
from dlt.common.runtime.run_context import RunContext

from scanner_sync.settings import Settings


class _SettingsOnly(RunContext):
    """A dlt run context with one source of values, and without the user's directories."""

    def __init__(self, values: dict[str, object]) -> None:
        super().__init__(None)
        self._values = DictionaryProvider()
        for path, value in values.items():
            *sections, key = path.split(".")
            self._values.set_value(key, value, None, *sections)

    def initial_providers(self) -> list[ConfigProvider]:
        return [self._values]

    @property
    def run_dir(self) -> str:
        return tempfile.gettempdir()

    global_dir = local_dir = data_dir = run_dir

    @property
    def module(self) -> None:
        """None: dlt would import a module with the name of the working directory."""


def configure_dlt(settings: Settings) -> None:
    """Make `settings` the only configuration of dlt. Call it before dlt is used."""
    # dlt quotes rows in what it logs at INFO.
    log_level = "DEBUG" if settings.log_level == "DEBUG" else "WARNING"
    context = _SettingsOnly(
        {
            "runtime.dlthub_telemetry": False,
            "runtime.log_level": log_level,
            # The worker process handles signals itself.
            "runtime.intercept_signals": False,
            # A sync reads everything, so dlt's state would cost a query and a load job for nothing.
            "restore_from_destination": False,
            # The session limits concurrent requests; as many more workers may wait for a retry.
            "extract.workers": 2 * settings.max_concurrent_requests,
            # A long queue would hold up the listings, whose pages follow one another.
            "extract.max_parallel_items": 2 * settings.max_concurrent_requests + 1,
            # The emulators read no gzip.
            "normalize.data_writer.disable_compression": bool(settings.bigquery_emulator_host),
        }
    )
    Container()[PluggableRunContext] = PluggableRunContext(context)
    logging.getLogger("dlt").setLevel(log_level)
