"""The four networks: a segment's answers are the windows', and none depends on what it must not see."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from neural_support import NEURAL, T, network, walk  # noqa: E402

from foldwise_engine.neural.adamw import AdamW  # noqa: E402
from foldwise_engine.neural.adapter import plan_of  # noqa: E402
from foldwise_engine.neural.answer import answer_rows, answer_windows  # noqa: E402
from foldwise_engine.neural.bars import Bars  # noqa: E402
from foldwise_engine.neural.dropout import dropout  # noqa: E402
from foldwise_engine.neural.options import Training  # noqa: E402
from foldwise_engine.neural.tcn import depth  # noqa: E402
from foldwise_engine.windows import Window, gather  # noqa: E402

every_model = pytest.mark.parametrize("model", NEURAL)
exact = pytest.mark.parametrize("model", ["tcn", "transformer"])
CPU = torch.device("cpu")
LENGTHS = [1, 2, 3, 4, 5, 8, 30, 61]


def windowed(net: Any, X: Any) -> Any:
    """(N, F) → the logits of every window by itself."""
    ends = np.arange(net.shape.seq_len - 1, len(X), dtype=np.int32)
    return answer_windows(net, gather(X, ends, net.shape.seq_len))


@exact
@pytest.mark.parametrize("length", LENGTHS)
def test_a_segment_answers_as_its_windows_do(model: str, length: int) -> None:
    net, X = network(model, seq_len=length), walk(length + 150)
    with torch.inference_mode():
        dense = net(torch.from_numpy(X)[None])[0].numpy()
    assert np.abs(dense).max() > 0.01
    assert np.abs(dense - windowed(net, X)).max() <= 1e-5


@every_model
@pytest.mark.parametrize("length", [1, 2, 8, 30])
def test_sliding_answers_as_windows_do(model: str, length: int) -> None:
    net, X = network(model, seq_len=length), walk(length + 70)
    with torch.inference_mode():
        sliding = net.sliding(torch.from_numpy(X)).numpy()
    assert np.abs(sliding - windowed(net, X)).max() <= 1e-5


@every_model
def test_rows_in_any_order_with_any_holes_are_answered_by_their_windows(model: str) -> None:
    net, X = network(model), walk(3000)
    random = np.random.default_rng(5)
    dense, sparse = np.arange(T - 1, 700), np.arange(900, 2990, 97)
    ends = random.permutation(np.concatenate([dense, sparse, sparse])).astype(np.int32)
    answers = answer_rows(net, Bars(X, CPU), ends, lambda: None, 2)
    assert np.abs(answers - windowed(net, X)[ends - (T - 1)]).max() <= 1e-5


@every_model
def test_an_answer_depends_on_its_window_and_on_nothing_else(model: str) -> None:
    net, X = network(model), np.nan_to_num(walk(T + 40))
    bar = T + 20
    with torch.inference_mode():
        before = net.sliding(torch.from_numpy(X))[bar - (T - 1)]
        for changed in range(len(X)):
            other = X.copy()
            other[changed] += net.scale.numpy()
            same = bool(torch.equal(net.sliding(torch.from_numpy(other))[bar - (T - 1)], before))
            # The receptive field may end a little before the window does.
            assert same == (changed > bar or changed <= bar - net.receptive_field)


@every_model
def test_a_segment_never_looks_ahead(model: str) -> None:
    net, X = network(model), np.nan_to_num(walk(T + 40))
    with torch.inference_mode():
        before = net(torch.from_numpy(X)[None])[0]
        X[T + 10 :] *= 3
        after = net(torch.from_numpy(X)[None])[0]
    first_changed = T + 10 - (T - 1)
    assert torch.equal(before[:first_changed], after[:first_changed])
    assert not torch.equal(before[first_changed], after[first_changed])


@pytest.mark.parametrize("kernel", [2, 3, 5, 15])
def test_a_tcn_reaches_back_as_far_as_fits(kernel: int) -> None:
    for length in range(1, 200):
        used, dilations = depth(length, kernel)
        reach = 1 + 2 * (used - 1) * sum(dilations)
        assert reach <= length
        # Nothing longer would fit: one more step of dilation is one too many.
        assert reach + 2 * (used - 1) > length or used == 1
        assert used == kernel or length < 2 * kernel - 1
        assert all(b <= 2 * a for a, b in pairwise(dilations))
    assert depth(60, 3) == (3, [1, 2, 4, 7])


@pytest.mark.parametrize("layers", [1, 2, 3, 7])
def test_a_transformer_reaches_back_no_further_than_its_window(layers: int) -> None:
    for length in range(1, 70):
        reach = network("transformer", seq_len=length, num_layers=layers).receptive_field
        assert length - layers < reach <= length


def test_the_scan_is_torchs_gru_in_answers_and_gradients() -> None:
    net: Any = network("gru", hidden_size=6).double().train()
    bars = torch.randn(4, 19, 5, dtype=torch.double)
    chosen = torch.randn(4, 19 - T + 1, 3, dtype=torch.double)
    net.layers.dropout = 0.0
    ours = net(bars)
    (ours * chosen).sum().backward()
    gradients = [parameter.grad.clone() for parameter in net.parameters()]
    net.zero_grad()
    states = net.layers(net.prepare(bars).transpose(0, 1))[0]
    theirs = net.head(states[T - 1 :]).transpose(0, 1)
    (theirs * chosen).sum().backward()
    assert torch.allclose(ours, theirs, atol=1e-12)
    for ours_, parameter in zip(gradients, net.parameters(), strict=True):
        assert torch.allclose(ours_, parameter.grad, atol=1e-12)


def test_dropout_loses_its_share_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    x = torch.ones(1001, 201, requires_grad=True)
    y = dropout(x, 0.3, training=True)
    assert float((y == 0).float().mean()) == pytest.approx(0.3, abs=0.005)
    assert float(y.detach().mean()) == pytest.approx(1, abs=0.01)
    torch.autograd.backward(y.sum())
    assert torch.equal(x.grad, y.detach())
    assert torch.equal(dropout(x, 0.3, training=False), x)


def test_adamw_steps_as_its_paper_says() -> None:
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.randn(4, 3))
    optimiser = AdamW([weight], 0.1, AdamW.beginning([weight]))
    expected, m, v = weight.detach().numpy().astype(np.float64), np.zeros((4, 3)), np.zeros((4, 3))
    for step in range(1, 6):
        gradient = torch.randn(4, 3)
        optimiser.lr = 0.01 / step
        # As autograd hands some over: the values of a transposed view.
        optimiser.step([gradient.t().contiguous().t()], 0.5)
        g = gradient.numpy().astype(np.float64)
        g *= min(1, 0.5 / np.linalg.norm(g))
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        expected *= 1 - optimiser.lr * 0.1
        expected -= optimiser.lr * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
        assert np.allclose(weight.detach().numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("model", ["lstm", "gru"])
@pytest.mark.parametrize("length", [1, 2, 8, 30])
def test_a_training_segment_answers_from_the_bars_that_it_has(model: str, length: int) -> None:
    net, X = network(model, seq_len=length), np.nan_to_num(walk(net_lead(model, length) + 11))
    with torch.inference_mode():
        segment = torch.from_numpy(X)[None]
        answers = net.segments(segment, 12)[0]
        assert net.lead == net_lead(model, length)
        for s, answer in enumerate(answers):
            alone = net.segments(segment[:, : net.lead + s], 1)[0, 0]
            assert torch.allclose(answer, alone, atol=1e-6)


def net_lead(model: str, length: int) -> int:
    """Half of the window, or two thirds of it, rounded up."""
    return -(-length // 2) if model == "lstm" else -(-2 * length // 3)


@pytest.mark.parametrize("model", ["lstm", "gru"])
@pytest.mark.parametrize("sequences", [2, 8])
def test_a_recurrent_step_gives_the_same_bits_with_two_threads(model: str, sequences: int) -> None:
    """Also where a part of a step is large enough for several threads, those of two cores change nothing."""
    net = network(model)
    bars = torch.from_numpy(np.stack([np.nan_to_num(walk(51)) for _ in range(sequences)]))
    before, gradients = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            net.zero_grad()
            torch.autograd.backward(net.segments(bars, 32).square().sum())
            gradients.append([parameter.grad.clone() for parameter in net.parameters() if parameter.grad is not None])
    finally:
        torch.set_num_threads(before)
    assert len(gradients[0]) > 0
    assert all(torch.equal(one, two) for one, two in zip(*gradients, strict=True))


@pytest.mark.parametrize(("length", "answers"), [(1, 32), (60, 32), (61, 32), (128, 64), (200, 100)])
def test_a_transformers_step_mixes_segments_from_all_over_the_training_part(length: int, answers: int) -> None:
    net = network("transformer", seq_len=length)
    window = Window(length, np.array([0]), 0, 9_000)
    rows = np.arange(length - 1, 9_000, dtype=np.int32)
    steps = list(plan_of(net, Training(seq_len=length), window, rows, 256).epoch(np.random.default_rng(0)))
    assert {step.answers for step in steps} == {answers}
    assert np.median([len(step.bars) for step in steps]) == pytest.approx(256 / answers, abs=1)
