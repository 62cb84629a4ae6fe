"""Activation levels: the grid of quant/levels.go, with a trained step."""

import math
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Levels:
    """Equally spaced values. Index i, a multiple of stride, stands for step*(i-zero); zero is always one of them.

    stride is 1 but for two signed levels, -step and +step: indices 0 and 2 of a grid whose middle is zero.
    """

    count: int
    step: float
    zero: int
    stride: int = 1

    @property
    def low(self):
        return -self.zero

    @property
    def high(self):
        return (self.count - 1) * self.stride - self.zero


def new_levels(count, lo, hi):
    """Spaces count levels over [lo, hi], widened to include zero and shifted so that zero is a level."""
    if not 2 <= count <= 256:
        raise ValueError(f"levels: got {count}, want 2..256")
    lo, hi = min(lo, 0.0), max(hi, 0.0)
    if not hi > lo or math.isinf(hi - lo):
        raise ValueError(f"levels: range [{lo:g}, {hi:g}] is empty or not finite")
    if count == 2 and lo < 0 < hi:
        return Levels(2, max(-lo, hi), 1, 2)
    step = (hi - lo) / (count - 1)
    return Levels(count, step, math.floor(-lo / step + 0.5))


def round_levels(x, step, low, high, stride=1):
    """The multiples of step nearest to x, halves going up, from low to high of them.

    Backward the rounding counts as the identity within half a step of the range and as a constant outside it; the step has the
    gradient of the values it moves: (y-x)/step inside, the outermost index outside.
    """
    t = x / step
    if stride == 2:
        inside = t.clamp(-2, 2)
        k = (t >= 0).to(t.dtype) * 2 - 1
    else:
        inside = t.clamp(low - 0.5, high + 0.5)
        k = torch.floor(t.detach() + 0.5).clamp(low, high)
    return (k.detach() + (inside - inside.detach())) * step


class Site(nn.Module):
    """A value that carries levels. Until it is calibrated it hands values on, and where it observes it also counts them."""

    STATE = ("count", "zero", "stride", "ready", "frozen")

    def __init__(self, name, role, count):
        super().__init__()
        self.name, self.role, self.count = name, role, count
        self.trained = role != "input"
        self.zero, self.stride = 0, 1
        self.ready = False
        self.frozen = False
        self.observer = None
        step = torch.zeros(())
        if self.trained:
            self.log_step = nn.Parameter(step)
        else:
            self.register_buffer("log_step", step)
        # The step of inputs, whose pixels are levels of it exactly, and of all sites once they are frozen.
        self.register_buffer("fixed", torch.ones((), dtype=torch.float64))

    def set(self, levels):
        """Takes levels; the step is trained from there."""
        self.count, self.zero, self.stride, self.ready = levels.count, levels.zero, levels.stride, True
        with torch.no_grad():
            self.log_step.fill_(math.log(levels.step))
            self.fixed.fill_(levels.step)

    def step(self):
        """The step as the network sees it, a tensor."""
        if self.trained and not self.frozen:
            return torch.exp(self.log_step)
        return self.fixed.to(self.log_step.dtype)

    def freeze(self):
        """Ends the training of the step."""
        with torch.no_grad():
            self.fixed.fill_(self.levels().step)
        self.frozen = True

    def levels(self):
        """The present levels, with the step that the program gets."""
        step = self.step().item() if self.trained and not self.frozen else self.fixed.item()
        return Levels(self.count, step, self.zero, self.stride)

    def forward(self, x):
        if self.observer is not None:
            self.observer.add(x)
        if not self.ready:
            return x
        high = (self.count - 1) * self.stride - self.zero
        return round_levels(x, self.step(), -self.zero, high, self.stride)

    def get_extra_state(self):
        return {k: getattr(self, k) for k in self.STATE}

    def set_extra_state(self, state):
        for k in self.STATE:
            setattr(self, k, state[k])

    def extra_repr(self):
        return f"{self.name}, {self.role}, {self.count} levels" + ("" if self.ready else ", not calibrated")
