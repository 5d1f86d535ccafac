"""AdamW (Loshchilov and Hutter 2019) by torch's own fused kernel.

`torch.optim` would do, but its first use imports torch's compiler with it: three seconds and 900 modules in every worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

BETAS = (0.9, 0.999)
EPSILON = 1e-8
CLIP_EPSILON = 1e-6
"""Added to the norm that is clipped by, as torch does."""


class AdamW:
    """Two running moments a parameter, kept by the parameter's number."""

    def __init__(self, parameters: Iterable[Tensor], weight_decay: float, moments: Mapping[str, Tensor]) -> None:
        self.parameters = list(parameters)
        self.lr = 0.0
        """Set before a step."""
        self._weight_decay = weight_decay
        self._held = {name: self._own(name, moments) for name in ("exp_avg", "exp_avg_sq", "step")}

    @staticmethod
    def beginning(parameters: Iterable[Tensor]) -> dict[str, Tensor]:
        """Moments before the first step."""
        moments = {}
        for number, parameter in enumerate(parameters):
            moments[f"{number}.exp_avg"] = torch.zeros_like(parameter)
            moments[f"{number}.exp_avg_sq"] = torch.zeros_like(parameter)
            moments[f"{number}.step"] = torch.zeros(())
        return moments

    def moments(self) -> dict[str, Tensor]:
        """As they are now, not copied."""
        return {f"{number}.{name}": value for name, held in self._held.items() for number, value in enumerate(held)}

    def step(self, gradients: Sequence[Tensor], grad_clip: float | None) -> None:
        """Clip the norm of all gradients together and take one step; `gradients` are spent."""
        # Torch's kernel reads memory in order, whatever the strides: a transposed gradient would be another one.
        gradients = [gradient.contiguous() for gradient in gradients]
        scale = None
        if grad_clip is not None:
            # What torch's kernel divides by: as clip_grad_norm_, without a pass of its own.
            scale = ((torch.nn.utils.get_total_norm(gradients) + CLIP_EPSILON) / grad_clip).clamp_(min=1.0)
        with torch.no_grad():
            torch._foreach_add_(self._held["step"], 1)
            torch._fused_adamw_(
                self.parameters,
                gradients,
                self._held["exp_avg"],
                self._held["exp_avg_sq"],
                [],
                self._held["step"],
                lr=self.lr,
                beta1=BETAS[0],
                beta2=BETAS[1],
                weight_decay=self._weight_decay,
                eps=EPSILON,
                amsgrad=False,
                maximize=False,
                grad_scale=scale,
            )

    def _own(self, name: str, moments: Mapping[str, Tensor]) -> list[Tensor]:
        return [moments[f"{number}.{name}"].to(p.device, copy=True) for number, p in enumerate(self.parameters)]
