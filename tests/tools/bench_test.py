"""Tests of what bench/compare.py concludes from times, and of its chart: no time is measured here, and nothing but Python is needed (NumPy for one test, which is skipped without)."""
import importlib.util
import math
import os
import subprocess
import sys
import tempfile
import types
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path
from unittest import mock

BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))
import chart  # noqa: E402
import compare  # noqa: E402
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


class Outputs(unittest.TestCase):
    def summarise(self, *errors):
        one = {"ms": 1, "loop": {"arithmetic": 1}, "precision": "fp32", "runs": 5, "load_ms": 1, "rest_mb": 1, "peak_mb": 1, "process_mb": 1}
        return compare.summarise("Ropeway", [one | {"error": error} for error in errors], {"arithmetic": 1})

    def test_every_round_must_be_right(self):
        self.assertTrue(self.summarise(1e-7, 2e-7)["right"])
        self.assertEqual(self.summarise(1e-7, 2e-7)["error"], 2e-7)
        for errors in ((1e-7, 1e-3), (1e-3, 1e-7), (1e-7, math.nan), (math.nan, 1e-7), (1e-7, math.inf)):
            self.assertFalse(self.summarise(*errors)["right"], errors)

    def test_not_a_number_is_the_worst_error(self):
        self.assertTrue(math.isnan(judge.worst([1e-7, math.nan, math.inf])) and math.isnan(judge.worst([math.nan, 1])))

    @unittest.skipUnless(importlib.util.find_spec("numpy"), "needs NumPy")
    def test_values_are_compared_one_by_one(self):
        import engines
        import numpy
        expected = numpy.array([[1, -4]], numpy.float32)
        self.assertEqual(engines.relative_error(numpy.array([1, -3], numpy.float32), expected), 0.25)
        self.assertTrue(math.isnan(engines.relative_error(numpy.array([1, math.nan]), expected)))
        for wrong in (numpy.zeros(1), numpy.zeros(()), numpy.zeros((2, 2))):
            with self.assertRaisesRegex(ValueError, "values, PyTorch's 2"):
                engines.relative_error(wrong, expected)


class Status(unittest.TestCase):
    def status(self, rows=(), skipped=(), worse=False):
        return judge.status({"rows": rows, "skipped": [{"engine": engine, "why": "crashed"} for engine in skipped]}, worse)

    def test_ours_must_be_right_and_there(self):
        self.assertEqual(self.status([row("Ropeway", 8), row("ncnn", 9, right=False)], ["PyTorch"]), 0)
        self.assertEqual(self.status([row("Ropeway", 8, right=False)]), 1)
        self.assertEqual(self.status([row("ncnn", 8)], ["Ropeway"]), 1)
        self.assertEqual(self.status([row("Ropeway", 8)], ["PyTorch", "Ropeway --precision fp16"]), 1)
        self.assertEqual(self.status([row("Ropeway", 8)], worse=True), 1)

    def test_failures_come_before_noise(self):
        noisy = row("Ropeway", 8) | {"judged": False}
        self.assertEqual((self.status([noisy]), self.status([noisy], ["Ropeway --precision fp16"])), (2, 1))

    def test_an_engine_that_fails_in_a_later_round_has_no_row(self):
        answers = {"Ropeway": [{"ms": 1, "error": 0, "precision": "fp32", "runs": 5, "load_ms": 1, "rest_mb": 1, "peak_mb": 1, "process_mb": 1}, None], "ncnn": [None]}
        with mock.patch.object(compare, "one_round", lambda engine, *_: (answers[engine].pop(0), "crashed")):
            loop = types.SimpleNamespace(seconds=lambda: {"arithmetic": 1}, history=[{"arithmetic": 1}])
            rows, skipped = compare.compare_engines("net", "net", 1, loop, list(answers), types.SimpleNamespace(rounds=2))
        self.assertEqual((rows, skipped), ([], {"Ropeway": "crashed", "ncnn": "crashed"}))


class Models(unittest.TestCase):
    def test_the_networks_are_known_without_torch(self):
        program = "import sys; sys.modules['torch'] = sys.modules['numpy'] = None; import compare; print(*compare.parse().models)"
        done = subprocess.run([sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": str(BENCH)}, capture_output=True, text=True)
        self.assertEqual(done.stdout.split(), list(compare.networks.NAMES), done.stderr)

    def test_files_are_made_anew_when_what_they_depend_on_changes(self):
        with tempfile.TemporaryDirectory() as scratch:
            recipe, model, folder, made = Path(scratch) / "recipe", Path(scratch) / "mine.pt2", Path(scratch) / "folder", []

            def export(command):
                made.append(command[-1])
                for kind in ("output.npy", "onnx.failed")[:2 if len(made) == 4 else 1]:
                    Path(f"{command[-1]}.{kind}").touch()
                return types.SimpleNamespace(returncode=0)

            def times_made(name):
                self.assertEqual(compare.exported(str(name), folder), str(made[-1]))
                return len(made)

            recipe.write_text("1"), model.write_text("1")
            with mock.patch.object(compare, "RECIPE", [recipe]), mock.patch.object(compare.subprocess, "run", export), mock.patch.object(compare.sys, "stderr"):
                self.assertEqual([times_made("lenet"), times_made("lenet")], [1, 1])
                recipe.write_text("2")
                self.assertEqual([times_made("lenet"), len(list(folder.iterdir()))], [2, 1])
                self.assertEqual([times_made(model), times_made(model)], [3, 3])
                model.write_text("2")
                self.assertEqual([times_made(model), times_made(model), times_made(model)], [4, 5, 5])  # what failed is tried again
                self.assertEqual(len(list(folder.iterdir())), 2)


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
