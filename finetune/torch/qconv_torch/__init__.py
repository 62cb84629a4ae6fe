"""Trains PyTorch networks with the activation levels and weight codebooks of qconv, and writes what qconv convert makes exact integers of.

    model = prepare(net, levels=32, weights=16, codebook="integer", pixels={"scale": 1/255})
    calibrate(model, batches)
    schedule = Schedule(model, steps)
    ...                                  # your own loop; schedule.step() behind optimizer.step()
    freeze(model)
    export(model, "net.tuned.q.onnx", example)
"""

from .program import Program
from .version import VERSION as __version__

try:
    import torch as _
except ModuleNotFoundError:

    def __getattr__(name):
        if name in __all__:
            raise ImportError(f"qconv_torch: {name} needs PyTorch, which is not installed; only Program does not")
        raise AttributeError(f"module 'qconv_torch' has no attribute {name!r}")

else:
    from .calibrate import calibrate
    from .export import export
    from .levels import Levels, Site, new_levels, round_levels
    from .prepare import Quantized, prepare
    from .train import Schedule, check_ranks, cluster, freeze, parameter_groups, rate_at, refit

__all__ = ["Levels", "Program", "Quantized", "Schedule", "Site", "calibrate", "check_ranks", "cluster", "export", "freeze", "new_levels",
           "parameter_groups", "prepare", "rate_at", "refit", "round_levels"]
