"""Coding tools that we know: their options, what they need of a person, what they say of their cost.

docs/agents.md says which version each was checked against, and how.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .bills import Bill, of_aider, of_any, of_claude, of_codex, of_opencode

PROMPT, BRIEFING, EDITABLE, BUDGET, MORE = (
    *("{prompt}", "{briefing}", "{editable}", "{budget}"),
    "{more}",
)
"""Words of a command that are filled in; the last three only in a profile's own."""

USD = "{usd}"


@dataclass(frozen=True)
class Profile:
    """How a tool is called: ``first`` in a new conversation, ``again`` to go on with the last one.

    ``env`` are variables that are passed on where they are set, ``settings`` ones that are always set.
    ``paths`` are shown where they are there, ``seeds`` are files of the home that are copied into its own
    when none of ``keys`` is set. ``budget`` are the words that limit what a call may cost; ``assumed`` are
    dollars that a call is taken to cost, at most, until it has said more. ``bill`` reads what it printed.
    """

    first: tuple[str, ...]
    again: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    budget: tuple[str, ...] = ()
    assumed: float | None = None
    bill: Callable[[bytes], Bill] = of_any
    login: bool = False

    def words(
        self,
        *,
        again: bool,
        more: Sequence[str],
        budget: float | None,
        filled: Mapping[str, Sequence[str]],
    ) -> list[str]:
        """The command, filled in; ``budget`` are dollars that this call may cost."""
        limit = [
            word if word != USD else f"{budget:.4f}"
            for word in (self.budget if budget is not None else ())
        ]
        everything = {MORE: more, BUDGET: limit, **filled}
        words = self.again if again and self.again else self.first
        found: list[str] = []
        for word in words:
            found += everything.get(word, [word])
        return found


def plain(words: Sequence[str]) -> Profile:
    """A command that we know nothing of."""
    return Profile(first=tuple(words))


_CLAUDE = (
    *("-p", PROMPT, "--output-format", "stream-json", "--verbose", "--strict-mcp-config"),
    *("--dangerously-skip-permissions", BUDGET, MORE),
)
_CODEX = (
    *("codex", "exec", "--json", "--skip-git-repo-check"),
    *("--dangerously-bypass-approvals-and-sandbox", MORE),
)
_AIDER = (
    *("aider", "--yes-always", "--no-git", "--no-gitignore", "--no-check-update"),
    *("--no-show-release-notes", "--analytics-disable", "--no-pretty", "--no-stream"),
    *("--no-fancy-input", "--no-detect-urls", "--read", "PROTOCOL.md", "--read", BRIEFING),
)

PROFILES: Mapping[str, Profile] = {
    "claude": Profile(
        first=("claude", *_CLAUDE),
        again=("claude", "--continue", *_CLAUDE),
        env=("ANTHROPIC_BASE_URL", "ANTHROPIC_MODEL", "ANTHROPIC_SMALL_FAST_MODEL"),
        keys=("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"),
        settings={
            # Without this it refuses to work without questions for root, as in most containers.
            "IS_SANDBOX": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        },
        paths=("~/.local/bin/claude", "~/.local/share/claude", "~/.claude/local"),
        seeds=(".claude/.credentials.json",),
        budget=("--max-budget-usd", USD),
        assumed=2.0,
        bill=of_claude,
        login=True,
    ),
    "codex": Profile(
        first=(*_CODEX, PROMPT),
        again=(*_CODEX, "resume", "--last", PROMPT),
        env=("OPENAI_BASE_URL",),
        keys=("CODEX_API_KEY", "OPENAI_API_KEY"),
        paths=("~/.local/bin/codex",),
        seeds=(".codex/auth.json",),
        bill=of_codex,
        login=True,
    ),
    "opencode": Profile(
        first=("opencode", "run", "--format", "json", "--auto", MORE, PROMPT),
        again=("opencode", "run", "--continue", "--format", "json", "--auto", MORE, PROMPT),
        keys=(
            *("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY"),
            *("GEMINI_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY", "GROQ_API_KEY", "OPENCODE_API_KEY"),
        ),
        settings={"OPENCODE_DISABLE_AUTOUPDATE": "1"},
        paths=("~/.opencode/bin",),
        seeds=(".local/share/opencode/auth.json",),
        assumed=2.0,
        bill=of_opencode,
    ),
    "aider": Profile(
        first=(*_AIDER, MORE, "--message", PROMPT, EDITABLE),
        again=(*_AIDER, "--restore-chat-history", MORE, "--message", PROMPT, EDITABLE),
        env=("OPENAI_API_BASE", "OLLAMA_API_BASE", "AIDER_MODEL"),
        keys=(
            *("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY"),
            *("GEMINI_API_KEY", "DEEPSEEK_API_KEY"),
        ),
        paths=("~/.local/bin/aider", "~/.local/share/uv/tools/aider-chat"),
        assumed=1.0,
        bill=of_aider,
    ),
}
