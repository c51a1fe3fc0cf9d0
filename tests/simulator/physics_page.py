"""What docs/physics.md shows, from the model: ``python -m tests.simulator.physics_page`` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial

from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S
from pumpd.core.telemetry import PumpStatus
from pumpd.qa.trumpet import (
    WINDOWS_MIN,
    first_fluid_min,
    mean_error_percent,
    sampled_flows_ml_h,
    steady_from_min,
    trumpet,
)
from pumpd.simulator.mechanism import Mechanism, syringe, volumetric
from pumpd.simulator.model import PumpModel
from tests.house.tree import ROOT
from tests.qa.trumpet_vectors import SET_ML_H, VECTORS
from tests.simulator.chart import Panel, picture
from tests.simulator.physics_scene import running

PAGE = ROOT / "docs" / "physics.md"
PICTURES = ROOT / "docs" / "img"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
"""What stands between them in the page is written by this module."""

OCCLUSIONS = ((0.5, 117.3, 9.4), (5.0, 15.0, 7.1))
"""mL/h, mean and spread in min, 50 mL syringe (Doenmez et al., Paediatr Anaesth 2005; 15: 293-296)."""
_FINE_S = 3
STEADY_PERCENT = 5.0
"""What we call steady: the mean of 2 min within this of the set rate."""


def volumes_ml(model: PumpModel, minutes: float, sample_s: int) -> list[float]:
    """Return what the patient has got, each ``sample_s``, from now on."""
    begun_nl = model.patient_nl
    found = [0.0]
    for _ in range(round(minutes * 60 / sample_s)):
        model.advance(sample_s * NS_PER_S)
        found.append((model.patient_nl - begun_nl) / NL_PER_ML)
    return found


def accuracy(mechanism: Mechanism, rate_ml_h: float) -> list[float]:
    """Return the volumes of two hours from the start, each half minute."""
    return volumes_ml(running(mechanism, rate_ml_h), 120, 30)


def _start_up(model: PumpModel) -> tuple[float, float]:
    volumes = volumes_ml(model, 120, _FINE_S)
    sample_min = _FINE_S / 60
    first = first_fluid_min(volumes, 0.0, sample_min)
    flows = sampled_flows_ml_h(volumes, sample_min)
    steady = steady_from_min(flows, 1.0, STEADY_PERCENT, 2, sample_min)
    assert first is not None
    assert steady is not None
    return first, steady


def start_up(mechanism: Mechanism) -> tuple[float, float]:
    """Return when the first fluid comes and when the flow is steady, in min, at 1 mL/h."""
    return _start_up(running(mechanism, 1.0))


def purged_start_up(mechanism: Mechanism) -> tuple[float, float]:
    """Do the same after 2 mL were pushed through before the line was connected."""
    model = running(mechanism, 1.0)
    model.press_stop()
    model.prime()
    while model.delivered_nl < 2 * NL_PER_ML:
        model.advance(NS_PER_S)
    model.press_stop()
    model.press_start()
    return _start_up(model)


def occlusion_run(rate_ml_h: float, mechanism: Mechanism) -> list[tuple[float, float]]:
    """Return minutes since the line was blocked and kPa, each 10 s, until the pump stops."""
    model = running(mechanism, rate_ml_h)
    model.advance(4 * NS_PER_H)
    model.block()
    found = [(0.0, model.pressure_pa / 1000)]
    begun_ns = model.now_ns
    while model.status is PumpStatus.RUNNING:
        model.advance(10 * NS_PER_S)
        found.append(((model.now_ns - begun_ns) / (60 * NS_PER_S), model.pressure_pa / 1000))
    return found


def occlusion_min(rate_ml_h: float, mechanism: Mechanism) -> float:
    """Return how long after the line was blocked the pump gives the alarm."""
    return occlusion_run(rate_ml_h, mechanism)[-1][0]


@cache
def _two_hours(mechanism: Mechanism, rate_ml_h: float) -> tuple[float, ...]:
    return tuple(accuracy(mechanism, rate_ml_h))


def _second_hour_percent(mechanism: Mechanism, rate_ml_h: float) -> float:
    volumes = _two_hours(mechanism, rate_ml_h)
    return mean_error_percent(volumes[240] - volumes[120], 60, rate_ml_h)


def start_up_and_trumpet() -> str:
    """Return the picture of a 50 mL syringe at 1 mL/h: start-up graph and trumpet."""
    flows = sampled_flows_ml_h(_two_hours(syringe(50), 1.0))
    graph = Panel(
        "Start-up, syringe 50 mL, 1 mL/h", "min", "mL/h", (0, 20, 40, 60, 80, 100, 120), (0, 0.5, 1, 1.5)
    )
    graph.span(6.75, 57.2)
    graph.level(1.0, "")
    graph.line([(0.5 * (i + 1), flow) for i, flow in enumerate(flows)], "true flow", (92, 1.32))
    graph.words("shaded: first fluid as measured (Neff 2001)", (16, 0.08))
    evenly = tuple(range(len(WINDOWS_MIN)))
    curve = Panel(
        "Trumpet, second hour",
        "window in min",
        "error in %",
        WINDOWS_MIN,
        (-30, -20, -10, 0, 10, 20, 30),
        evenly,
    )
    curve.level(0, "")
    for mechanism, rate, label, at in (
        (syringe(50), 1.0, "syringe, 1 mL/h", (1.05, 13.0)),
        (volumetric(), 5.0, "volumetric, 5 mL/h", (1.05, 23.0)),
    ):
        errors = trumpet(sampled_flows_ml_h(_two_hours(mechanism, rate))[120:], rate)
        high = [(float(i), error.highest_percent) for i, error in enumerate(errors)]
        low = [(float(i), error.lowest_percent) for i, error in enumerate(errors)]
        curve.line([*low[::-1], *high], label, at)
    return picture((graph, curve), "Start-up graph and trumpet curve of the simulated pumps")


def occlusion_pressure() -> str:
    """Return the picture of the pressure from blocking the line to the alarm."""
    panels = []
    for (rate, mean, spread), ticks in zip(
        OCCLUSIONS, ((0, 30, 60, 90, 120, 150), (0, 5, 10, 15, 20, 25)), strict=True
    ):
        panel = Panel(
            f"Line blocked, syringe 50 mL, {rate:g} mL/h", "min", "kPa", ticks, (0, 25, 50, 75, 100, 125)
        )
        panel.span(mean - spread, mean + spread)
        panel.level(100, "")
        panel.words("alarm at 100 kPa", (ticks[-1] * 0.02, 104.0))
        run = occlusion_run(rate, syringe(50))
        panel.line(run[:: max(1, len(run) // 120)] + run[-1:], "pressure", (ticks[-1] * 0.5, 42.0))
        panel.words("shaded: alarm as measured (D\u00f6nmez 2005)", (ticks[-1] * 0.27, 6.0))
        panels.append(panel)
    return picture(panels, "Line pressure from the blocking of the line to the alarm, at two rates")


def second_hour_accuracy() -> str:
    """Return the picture of the mean error at many rates, for the biases that the seed draws from."""
    panels = []
    for title, made, biases_ppm, rates, promised in (
        ("syringe 50 mL", partial(syringe, 50), (10_000, 0, -10_000), (1, 2, 5, 10, 20), 2),
        ("volumetric", volumetric, (25_000, 0, -25_000), (1, 5, 25, 60, 120), 5),
    ):
        evenly = tuple(range(len(rates)))
        errors = tuple(step * promised / 2 for step in range(-3, 4))
        panel = Panel(f"Mean error, second hour, {title}", "mL/h", "error in %", rates, errors, evenly)
        panel.level(promised, f"promised: at most {promised} %")
        panel.level(-promised, "")
        for bias_ppm in biases_ppm:
            found = [_second_hour_percent(made(bias_ppm=bias_ppm), rate) for rate in rates]
            label = f"bias {bias_ppm / 10_000:+g} %" if bias_ppm else "no bias"
            panel.line([(float(at), error) for at, error in enumerate(found)], label, (1.05, found[1] + 0.1))
        panels.append(panel)
    return picture(panels, "Mean error of the simulated pumps in the second hour, and what makers promise")


def figures() -> str:
    """Return the tables of the page."""
    fresh, purged = start_up(syringe(50)), purged_start_up(syringe(50))
    lines = ["| what | model | measured or promised | source |", "|---|---|---|---|"]
    lines += [
        f"| line blocked to alarm, {rate:g} mL/h, 50 mL syringe | {occlusion_min(rate, syringe(50)):.1f} min "
        f"| {mean:.1f} \u00b1 {spread:.1f} min | D\u00f6nmez 2005 |"
        for rate, mean, spread in OCCLUSIONS
    ]
    lines += [
        f"| fresh syringe to first fluid, 1 mL/h | {fresh[0]:.1f} min | 6.75 to 57.2 min | Neff 2001 |",
        f"| fresh syringe to steady flow, 1 mL/h | {fresh[1]:.1f} min | 19.6 to 76.3 min | Neff 2001 |",
        f"| the same after a 2 mL purge, first fluid | {purged[0]:.1f} min | 0.3 to 1.1 min | Neff 2001 |",
        f"| the same after a 2 mL purge, steady flow | {purged[1]:.1f} min | 6.0 to 11.1 min | Neff 2001 |",
    ]
    for kind, mechanism, rates, promised, source in (
        ("syringe", syringe(50), (1, 5, 20), "2", "Perfusor compact, instructions for use"),
        ("volumetric", volumetric(), (1, 25, 120), "5", "Infusomat Space, instructions for use"),
    ):
        lines += [
            f"| mean error in the second hour, {kind}, {rate} mL/h "
            f"| {_second_hour_percent(mechanism, rate):+.1f} % | within \u00b1{promised} % | {source} |"
            for rate in rates
        ]
    lines += ["", "| window | " + " | ".join(f"{w} min" for w in WINDOWS_MIN) + " |"]
    lines += ["|---" * (len(WINDOWS_MIN) + 1) + "|"]
    for label, mechanism, rate in (
        ("syringe 50 mL, 1 mL/h", syringe(50), 1.0),
        ("syringe 50 mL, 5 mL/h", syringe(50), 5.0),
        ("volumetric, 5 mL/h", volumetric(), 5.0),
        ("volumetric, 25 mL/h", volumetric(), 25.0),
    ):
        errors = trumpet(sampled_flows_ml_h(_two_hours(mechanism, rate))[120:], rate)
        cells = [f"{e.highest_percent:+.1f} / {e.lowest_percent:+.1f} %" for e in errors]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *_worked_vectors()])


def _worked_vectors() -> Iterator[str]:
    """Yield the table of the trumpets that were worked out by hand, as the code computes them."""
    yield "| worked vector, 10 mL/h | " + " | ".join(f"{w} min" for w in WINDOWS_MIN) + " |"
    yield "|---" * (len(WINDOWS_MIN) + 1) + "|"
    for vector in VECTORS:
        errors = trumpet(vector.flows_ml_h, SET_ML_H)
        cells = [f"{e.highest_percent:+.3f} / {e.lowest_percent:+.3f} %" for e in errors]
        yield f"| {vector.what} | " + " | ".join(cells) + " |"


def page(text: str) -> str:
    """Return ``text`` with its figures computed anew."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{figures()}\n{END}{rest.split(END)[1]}"


def main() -> None:
    """Write page and pictures."""
    PICTURES.mkdir(exist_ok=True)
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    (PICTURES / "start-up-and-trumpet.svg").write_text(start_up_and_trumpet(), encoding="utf-8")
    (PICTURES / "second-hour-accuracy.svg").write_text(second_hour_accuracy(), encoding="utf-8")
    (PICTURES / "occlusion-pressure.svg").write_text(occlusion_pressure(), encoding="utf-8")


if __name__ == "__main__":
    main()
