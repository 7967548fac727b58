"""What a model's tokens cost: as a person has declared it, else as litellm's list says."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ...records import Json
from .place import Place
from .spec import Options

MARGIN = 1.25
"""Tokens are counted with another model's tokenizer: so much more they may be."""
FAR = 10
"""So many times what we count ourselves a server may report; more is taken for nonsense."""
ESTIMATED = "tokens estimated"
DOUBTED = "tokens estimated: the server reports what cannot be"
FREE_AT_HOME = ("ollama", "ollama_chat", "hosted_vllm", "lm_studio", "llamafile")
"""Providers whose models cost nothing on a machine of one's own."""


@dataclass(frozen=True)
class Bill:
    """What a call cost; ``usd`` is ``None`` where nobody knows, ``doubt`` says so where tokens are our estimate."""

    usd: float | None
    tokens: int
    doubt: str = ""


class Prices:
    """The prices of one model."""

    def __init__(self, options: Options, litellm: ModuleType, place: Place) -> None:
        self._options, self._litellm = options, litellm
        self._free = place.home and place.provider in FREE_AT_HOME
        # Of Ollama's models litellm asks a server, though not always the right one, and says that all are free.
        self.info = None if place.provider.startswith("ollama") else _info(litellm, options.model)

    def count(self, messages: list[dict[str, Json]], tools: list[dict[str, Json]] | None) -> int:
        """Tokens of a request, by litellm's count; by its bytes where that fails."""
        try:
            counted = self._litellm.token_counter(
                model=self._options.model, messages=messages, tools=tools
            )
            return int(counted)
        except Exception:
            return len(repr(messages).encode("utf-8", "replace")) // 3

    def most(self, prompt: int, answer: int) -> float | None:
        """Dollars that a call with so many tokens may cost at most."""
        return self._usd(math.ceil(prompt * MARGIN), answer, None)

    def bill(self, usage: Any, counted: int, most_tokens: int, text: str) -> Bill:
        """What an answer cost by the usage that the server reports; counted where it reports none.

        So it is where it reports what cannot be: more than `FAR` times the ``counted`` tokens of the request
        and the ``most_tokens`` of an answer, or a cost beyond that of so many.
        """
        prompt, completion = _reported(usage)
        doubt = ESTIMATED if not prompt and not completion else ""
        if prompt + completion > FAR * (counted + most_tokens):
            doubt = DOUBTED
        usd = None if doubt else self._usd(prompt, completion, usage)
        dearest = self.most(FAR * counted, FAR * most_tokens)
        if usd is not None and dearest is not None and not 0 <= usd <= dearest:
            doubt = DOUBTED
        if doubt:
            prompt = counted
            completion = self.count([{"role": "assistant", "content": text}], None)
            usd = self._usd(prompt, completion, None)
        return Bill(usd, prompt + completion, doubt)

    def _usd(self, prompt: int, completion: int, usage: Any) -> float | None:
        options = self._options
        if options.cost is not None:
            return options.cost
        if options.input_cost is not None and options.output_cost is not None:
            return (prompt * options.input_cost + completion * options.output_cost) / 1e6
        if self._free:
            return 0.0
        if self.info is None:
            return None
        try:
            costs = self._litellm.cost_per_token(
                model=options.model,
                prompt_tokens=prompt,
                completion_tokens=completion,
                usage_object=usage,
            )
        except Exception:
            return None
        return float(sum(costs))


def _info(litellm: ModuleType, model: str) -> dict[str, Json] | None:
    """What litellm's list knows of a model; ``None`` where it is not on it."""
    try:
        known: dict[str, Json] = dict(litellm.get_model_info(model))
    except Exception:
        return None
    priced = known.get("input_cost_per_token") is not None
    return known if priced and known.get("output_cost_per_token") is not None else None


def _reported(usage: Any) -> tuple[int, int]:
    found = [getattr(usage, name, 0) for name in ("prompt_tokens", "completion_tokens")]
    prompt, completion = (n if isinstance(n, int) and n > 0 else 0 for n in found)
    return prompt, completion
