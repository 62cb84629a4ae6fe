"""Layers whose weights are drawn from a codebook."""

import math

import torch
import torch.nn.functional as F
from torch import nn

LINEAR = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.Linear)


class Clustered(nn.Module):
    """A convolution, transposed convolution or dense layer with float masters and clustered weights.

    The layer sees unit*ints[i] for each weight; backward the masters get the gradient unchanged (straight through). An integer
    codebook of the layer's own has a trained unit, with the gradient of the values that it moves.
    """

    STATE = ("fitted", "frozen", "open")

    def __init__(self, name, layer, weights, kind, scope):
        super().__init__()
        self.name, self.layer, self.weights, self.kind, self.scope = name, layer, weights, kind, scope
        # open: the masters themselves are used, as between two clusterings of the periodic schedule.
        self.fitted, self.frozen, self.open = False, False, False
        self.trains_unit = kind == "integer" and scope == "layer"
        if self.trains_unit:
            self.log_unit = nn.Parameter(torch.zeros((), dtype=layer.weight.dtype))
        # Ascending centres; those that are missing repeat the last.
        self.register_buffer("ints", torch.zeros(weights, dtype=torch.int64))
        # The weights' unit; bias_unit is that of biases, which only a codebook of scope global holds.
        self.register_buffer("unit", torch.ones((), dtype=torch.float64))
        self.register_buffer("bias_unit", torch.ones((), dtype=torch.float64))

    def set(self, ints, unit, bias_unit=None):
        """Takes a codebook."""
        with torch.no_grad():
            ints = torch.as_tensor(ints, dtype=torch.int64, device=self.ints.device)
            self.ints.copy_(torch.cat([ints, ints[-1:].expand(self.weights - len(ints))]))
            self.unit.fill_(unit)
            self.bias_unit.fill_(unit if bias_unit is None else bias_unit)
            if self.trains_unit:
                self.log_unit.fill_(math.log(unit))
                self.unit.fill_(torch.exp(self.log_unit).item())
        self.fitted = True

    def take_unit(self):
        """Makes the trained unit the codebook's."""
        if self.trains_unit and self.fitted and not self.frozen:
            with torch.no_grad():
                self.unit.fill_(torch.exp(self.log_unit).item())

    def freeze(self):
        """Makes the masters what the layer sees, and ends their training."""
        self.take_unit()
        with torch.no_grad():
            self.layer.weight.copy_(self.clustered())
            if self.scope == "global" and self.layer.bias is not None:
                self.layer.bias.copy_(self.clustered_bias())
        self.frozen, self.open = True, False
        for p in self.parameters():
            p.requires_grad_(False)

    def _nearest(self, w, unit):
        values = (self.ints.to(torch.float64) * unit).to(w.dtype)
        q = values[torch.bucketize(w.detach(), (values[1:] + values[:-1]) / 2, right=True)]
        return q + (w - w.detach())

    def clustered(self):
        """The weights as the layer sees them."""
        w = self.layer.weight
        if self.open and self.trains_unit:
            return w + 0 * self.log_unit  # DistributedDataParallel wants all that is trained to be used
        if not self.fitted or self.open or self.frozen:
            return w
        if self.trains_unit:
            low, high = self.ints[0], self.ints[-1]
            stride = self.ints[1] - low
            unit = torch.exp(self.log_unit)
            t = w / unit
            inside = torch.minimum(torch.maximum(t, low - stride / 2), high + stride / 2)
            k = low + stride * torch.floor((t.detach() - low) / stride + 0.5)
            k = torch.minimum(torch.maximum(k, low.to(k.dtype)), high.to(k.dtype))
            return (k + (inside - inside.detach())) * unit
        return self._nearest(w, self.unit)

    def clustered_bias(self):
        """The biases as the layer sees them; None for none."""
        b = self.layer.bias
        if b is None or self.scope != "global" or not self.fitted or self.open or self.frozen:
            return b
        return self._nearest(b, self.bias_unit)

    def forward(self, x):
        layer, w, b = self.layer, self.clustered(), self.clustered_bias()
        if isinstance(layer, nn.Linear):
            return F.linear(x, w, b)
        if isinstance(layer, nn.ConvTranspose2d):
            return F.conv_transpose2d(x, w, b, layer.stride, layer.padding, layer.output_padding, layer.groups, layer.dilation)
        if isinstance(layer, nn.ConvTranspose1d):
            return F.conv_transpose1d(x, w, b, layer.stride, layer.padding, layer.output_padding, layer.groups, layer.dilation)
        return layer._conv_forward(x, w, b)

    def get_extra_state(self):
        return {k: getattr(self, k) for k in self.STATE}

    def set_extra_state(self, state):
        for k in self.STATE:
            setattr(self, k, state[k])
        if self.frozen:
            for p in self.parameters():
                p.requires_grad_(False)


class FixedNorm(nn.Module):
    """A batch normalization that no layer before it can take up, with its trained statistics."""

    def __init__(self, norm):
        super().__init__()
        self.eps = norm.eps
        for name in ("running_mean", "running_var"):
            self.register_buffer(name, getattr(norm, name).detach().clone())
        ones = torch.ones_like(norm.running_mean)
        self.register_buffer("weight", norm.weight.detach().clone() if norm.affine else ones)
        self.register_buffer("bias", norm.bias.detach().clone() if norm.affine else 0 * ones)

    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)


def fold(layer, norm):
    """Multiplies a batch normalization with its trained statistics into the layer before it, in double precision."""
    with torch.no_grad():
        factor = 1 / torch.sqrt(norm.running_var.double() + norm.eps)
        shift = -norm.running_mean.double()
        if layer.bias is not None:
            shift = shift + layer.bias.double()
        if norm.affine:
            factor = factor * norm.weight.double()
        shift = shift * factor
        if norm.affine:
            shift = shift + norm.bias.double()
        w = layer.weight.double()
        if isinstance(layer, (nn.ConvTranspose1d, nn.ConvTranspose2d)):
            g = layer.groups
            w = w.reshape(g, w.shape[0] // g, w.shape[1], -1) * factor.reshape(g, 1, -1, 1)
        else:
            w = w.reshape(w.shape[0], -1) * factor[:, None]
        layer.weight.copy_(w.reshape(layer.weight.shape))
        bias = shift.to(layer.weight.dtype)
        layer.bias = nn.Parameter(bias)
