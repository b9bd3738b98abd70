"""Tests of what bench/compare.py concludes from times, and of its chart: no time is measured here, and nothing but Python is needed."""
import sys
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import chart  # noqa: E402
import judge  # noqa: E402
import kernel_times  # noqa: E402
import machine  # noqa: E402


def row(engine, ms, kind="fp32", settled=True, right=True):
    return {"engine": engine, "class": kind, "ms": ms, "settled": settled, "right": right, "model": "net", "threads": 1, "precision": kind}


class Noise(unittest.TestCase):
    def test_the_best_of_two_calm_rounds_that_agree_counts(self):
        self.assertEqual(judge.settle([(10.3, 1.0), (10, 1.05), (15, 1.1)]), (10, True))

    def test_rounds_that_disagree_settle_nothing(self):
        self.assertEqual(judge.settle([(10, 1), (10.6, 1)]), (10, False))
        self.assertEqual(judge.settle([(10, 1)]), (10, False))

    def test_rounds_that_others_disturbed_do_not_count(self):
        self.assertEqual(judge.settle([(9, 1.2), (10, 1), (10.1, 1)]), (10, True))
        self.assertEqual(judge.settle([(10, 1), (10, 1.2)]), (10, False))

    def test_without_a_calm_round_the_least_is_shown(self):
        self.assertEqual(judge.settle([(12, 2), (11, 2)]), (11, False))

    def test_a_round_is_as_calm_as_the_slower_of_arithmetic_and_reading(self):
        loops = [{"arithmetic": 2, "reading": 4}, {"arithmetic": 1, "reading": 5}]
        self.assertEqual([judge.slowdown(loop, judge.best_loop(loops)) for loop in loops], [2, 1.25])


class Ratios(unittest.TestCase):
    def test_ours_is_compared_with_the_fastest_of_its_class(self):
        rows = [row("Ropeway", 8), row("ncnn", 10), row("PyTorch", 20), row("OpenVINO", 5, "reduced"), row("Ropeway --precision fp16", 4, "reduced")]
        judge.judge(rows)
        self.assertEqual([(each.get("peer"), each.get("ratio"), each.get("judged")) for each in rows], [("ncnn", 0.8, True)] + [(None, None, None)] * 3 + [("OpenVINO", 0.8, True)])

    def test_a_peer_whose_output_is_off_does_not_count(self):
        rows = [row("Ropeway", 8), row("ncnn", 4, right=False), row("PyTorch", 16)]
        judge.judge(rows)
        self.assertEqual((rows[0]["peer"], rows[0]["ratio"]), ("PyTorch", 0.5))

    def test_a_ratio_of_unsettled_times_is_not_judged(self):
        for ours, first, second, far, expected in ((True, True, True, False, True), (False, True, True, True, False), (True, False, True, True, False), (True, True, False, True, False)):
            rows = [row("Ropeway", 8, settled=ours), row("ncnn", 10, settled=first), row("ONNX Runtime", 12, settled=second), row("PyTorch", 13, settled=far)]
            judge.judge(rows)
            self.assertEqual(rows[0]["judged"], expected)

    def test_further_rounds_go_to_those_that_may_settle_a_ratio(self):
        rows = [row("Ropeway", 8), row("ncnn", 10, settled=False), row("PyTorch", 20, settled=False), row("OpenVINO", 5, "reduced", settled=False)]
        self.assertEqual(judge.unsettled(rows), {"ncnn"})

    def test_alone_there_is_no_ratio(self):
        rows = [row("Ropeway", 8)]
        judge.judge(rows)
        self.assertNotIn("ratio", rows[0])


class Classes(unittest.TestCase):
    def test_what_an_engine_computed_in_decides(self):
        self.assertEqual([judge.class_of(precision) for precision in ("fp32", "bf16", "bf16, f32", "fp16 weights")], ["fp32", "reduced", "reduced", "reduced"])

    def test_bounds_of_errors(self):
        self.assertEqual((judge.error_bound("Ropeway", "fp32"), judge.error_bound("Ropeway --precision fp16", "reduced")), (5e-6, 1e-3))
        self.assertLess(judge.error_bound("ncnn fp32", "fp32"), judge.error_bound("ncnn, its default", "reduced"))


class Baseline(unittest.TestCase):
    def compare(self, now, before, kinds=("a", "a")):
        return judge.compare({"net": now}, before, *kinds)

    def test_more_than_ten_percent_slower_is_a_regression(self):
        lines, worse = self.compare((11.1, True), {"net": (10, True)})
        self.assertTrue(worse)
        self.assertIn("REGRESSION", lines[0])
        self.assertFalse(self.compare((10.9, True), {"net": (10, True)})[1])

    def test_faster_is_said(self):
        lines, worse = self.compare((5, True), {"net": (10, True)})
        self.assertFalse(worse)
        self.assertEqual(lines, ["net: faster, 10.000 → 5.000 ms, -50 %"])

    def test_what_was_noisy_is_not_compared(self):
        for now, before in ((False, True), (True, False)):
            lines, worse = self.compare((20, now), {"net": (10, before)})
            self.assertEqual((lines, worse), (["net: too noisy to compare"], False))

    def test_another_kind_of_machine_is_not_compared(self):
        lines, worse = self.compare((20, True), {"net": (10, True)}, ("a", "b"))
        self.assertFalse(worse)
        self.assertIn("another kind of machine (b, this one is a)", lines[0])

    def test_what_is_new_is_said(self):
        self.assertEqual(self.compare((20, True), {}), (["net: not in the baseline"], False))

    def test_peers_are_not_compared(self):
        self.assertEqual(judge.our_times({"rows": [row("Ropeway", 8), row("ncnn", 9)]}), {"net, 1 thread, Ropeway": (8, True)})


class Machine(unittest.TestCase):
    def test_x86(self):
        text = "cpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nflags\t\t: fpu avx2 avx512f avx512_bf16\n"
        found = machine.describe(text, 2)
        self.assertEqual(found["text"], "AMD EPYC, family 25 model 17, 2 processors, avx2 avx512f avx512_bf16, no amx_bf16")
        self.assertEqual(machine.file_name(found), "amd-epyc-family-25-model-17-2-processors.json")

    def test_arm(self):
        found = machine.describe("Features\t: fp asimd asimdhp asimddp\nCPU implementer\t: 0x48\nCPU part\t: 0xd02\n", 4)
        self.assertEqual(found["text"], "CPU implementer 0x48 part 0xd02, 4 processors, asimdhp asimddp")

    def test_as_many_processors_as_threads(self):
        self.assertEqual(machine.choose_processors(1, {1000, 1001}), {1001})
        self.assertEqual(machine.choose_processors(2, {1000, 1001, 1002}), {1001, 1002})


class Kernels(unittest.TestCase):
    def test_repetitions_are_rounds_and_failures_are_told(self):
        def entry(name, **more):
            return {"run_name": name, "run_type": "iteration", "real_time": 1500, "time_unit": "us", **more}

        text = {"benchmarks": [entry("a", of_peak=0.5), entry("a", of_peak=0.7, real_time=1450), entry("a", run_type="aggregate", real_time=1), entry("b", error_occurred=True, error_message="no fp16")]}
        rows, skipped = kernel_times.read(text)
        self.assertEqual([(each["model"], each["ms"], each["settled"], each["of_peak"]) for each in rows], [("a", 1.45, True, 0.7)])
        self.assertEqual(skipped, {"b": "no fp16"})


class Chart(unittest.TestCase):
    RESULT = {"rows": [row("Ropeway", 8), row("ncnn <fp32>", 16), row("Ropeway --precision fp16", 4, "reduced"), row("PyTorch", 9, right=False)],
              "machine": {"text": "a machine"}, "date": "2026-01-02", "commit": "abc", "versions": ["ncnn 1"]}


    def test_it_is_svg_that_names_machine_date_and_versions(self):
        tree = xml.fromstring(chart.draw(self.RESULT))
        words = [element.text for element in tree.iter("{http://www.w3.org/2000/svg}text")]
        for expected in ("net", "1 thread", "ncnn <fp32>", "8.00", "16.0", "a machine, 2026-01-02", "Ropeway abc, ncnn 1"):
            self.assertIn(expected, words)
        self.assertNotIn("PyTorch", words)  # whose output was off

    def test_bars_are_as_long_as_the_times(self):
        bars = [element for element in xml.fromstring(chart.draw(self.RESULT)).iter("{http://www.w3.org/2000/svg}rect")]
        self.assertEqual([float(bar.get("width")) / chart.WIDTH for bar in bars], [0.5, 1, 0.25])

    def test_everything_lies_in_the_picture(self):
        rows = [dict(row(engine, ms), threads=threads, model=model) for model in ("a", "b") for threads in (1, 2) for engine, ms in (("Ropeway", 8), ("ncnn", 1600))]
        tree = xml.fromstring(chart.draw(self.RESULT | {"rows": rows}))
        width, height = float(tree.get("width")), float(tree.get("height"))
        for element in tree:
            if element.get("x"):
                self.assertLessEqual(float(element.get("x")) + float(element.get("width", 0)), width)
                self.assertLessEqual(float(element.get("y")) + float(element.get("height", 0)), height)


if __name__ == "__main__":
    unittest.main()
