"""Language models as agents, hosted or local, through litellm."""

from __future__ import annotations

from dataclasses import replace

from ...exceptions import UsageProblem
from ..office import Office
from ..tables import Table
from .agent import LanguageModel
from .spec import TIMEOUT, read


def make(argument: str, office: Office, table: Table | None = None) -> LanguageModel:
    """The agent that ``llm:ARGUMENT`` names, with the time and the cost of its table where it says neither.

    Records and the purse call it by its table's name, else as it was typed. Raises `UsageProblem` for
    options that cannot be meant, and where litellm is not installed.
    """
    table = table or Table()
    options = read(argument)
    if table.env or table.paths:
        raise UsageProblem(
            f"[tool.pytest-autoresearch.agents.{table.name}]: env and paths are for command: agents; a model "
            "reads no files, and litellm takes its keys from the environment"
        )
    if table.timeout is not None and options.timeout == TIMEOUT:
        options = replace(options, timeout=table.timeout)
    if table.cost is not None and options.cost is None and options.input_cost is None:
        options = replace(options, cost=table.cost)
    return LanguageModel(table.name or f"llm:{argument}", options, office)
