"""PyTorch's optimisers, and losses with a knob."""

from __future__ import annotations

from .knobs import Family, Need, Times, family, log, real, switch

POSITIONAL = ("params", "lr")
MOVES = ({"lr": Times(3.0)}, {"lr": Times(0.3)}, {"weight_decay": 0.01})
MOMENTUM = real("momentum", 0.0, 0.0, 0.99)


def _adam(lr: float, decay: float) -> Family:
    return family(
        log("lr", lr, 1e-5, 0.1),
        log("weight_decay", decay, 1e-6, 0.3),
        moves=(*MOVES[:2], {"weight_decay": 0.1} if decay else MOVES[2]),
        positional=POSITIONAL,
    )


SGD = family(
    log("lr", 1e-3, 1e-4, 1.0),
    MOMENTUM,
    log("weight_decay", 0.0, 1e-6, 0.1),
    switch("nesterov", False).needing(Need(True, "momentum", 0.9, barred=(0, 0.0))),
    moves=({"momentum": 0.9}, *MOVES, {"momentum": 0.9, "nesterov": True}),
    positional=POSITIONAL,
)
RMSPROP = family(
    log("lr", 1e-2, 1e-5, 0.1),
    real("alpha", 0.99, 0.8, 0.999),
    MOMENTUM,
    log("weight_decay", 0.0, 1e-6, 0.1),
    moves=MOVES,
    positional=POSITIONAL,
)

TORCH: dict[str, Family] = {
    "torch.SGD": SGD,
    "torch.Adam": _adam(1e-3, 0.0),
    "torch.AdamW": _adam(1e-3, 1e-2),
    "torch.NAdam": _adam(2e-3, 0.0),
    "torch.RAdam": _adam(1e-3, 0.0),
    "torch.Adamax": _adam(2e-3, 0.0),
    "torch.Adagrad": _adam(1e-2, 0.0),
    "torch.RMSprop": RMSPROP,
    "torch.CrossEntropyLoss": family(real("label_smoothing", 0.0, 0.0, 0.3)),
}
