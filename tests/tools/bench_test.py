"""Tests of what bench/compare.py concludes from times, and of its chart: no time is measured here, and nothing but Python is needed (NumPy for one test, which is skipped without)."""
import importlib.util
import io
import math
import os
import subprocess
import sys
import tempfile
import time
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
        self.assertFalse(rows[0]["judged"])
        self.assertEqual(judge.status({"rows": rows, "skipped": []}), 2)


class Classes(unittest.TestCase):
    def test_what_an_engine_computed_in_decides(self):
        self.assertEqual([judge.class_of(precision) for precision in ("fp32", "bf16", "bf16, f32", "fp16 weights")], ["fp32", "reduced", "reduced", "reduced"])

    def test_bounds_of_errors(self):
        self.assertEqual((judge.error_bound("Ropeway", "fp32", True), judge.error_bound("Ropeway --precision fp16", "reduced", True)), (5e-6, 1e-3))
        self.assertEqual(judge.error_bound("Ropeway", "fp32", False), judge.error_bound("ncnn fp32", "fp32", False))  # what is right for a file of the user's is not known better
        self.assertLess(judge.error_bound("ncnn fp32", "fp32", True), judge.error_bound("ncnn, its default", "reduced", True))


class Outputs(unittest.TestCase):
    def summarise(self, *errors):
        one = {"ms": 1, "loop": {"arithmetic": 1}, "precision": "fp32", "runs": 5, "load_ms": 1, "rest_mb": 1, "peak_mb": 1, "process_mb": 1}
        return compare.summarise("Ropeway", [one | {"error": error} for error in errors], {"arithmetic": 1}, True)

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
    def status(self, rows=(), skipped=(), compared=0):
        return judge.status({"rows": rows, "skipped": [{"engine": engine, "why": "crashed"} for engine in skipped]}, compared)

    def test_ours_must_be_right_and_there(self):
        self.assertEqual(self.status([row("Ropeway", 8), row("ncnn", 9, right=False)], ["PyTorch"]), 0)
        self.assertEqual(self.status([row("Ropeway", 8, right=False)]), 1)
        self.assertEqual(self.status([row("ncnn", 8)], ["Ropeway"]), 1)
        self.assertEqual(self.status([row("Ropeway", 8)], ["PyTorch", "Ropeway --precision fp16"]), 1)
        self.assertEqual([self.status([row("Ropeway", 8)], compared=compared) for compared in (1, 2)], [1, 2])

    def test_failures_come_before_noise(self):
        noisy = row("Ropeway", 8) | {"judged": False}
        self.assertEqual((self.status([noisy]), self.status([noisy], ["Ropeway --precision fp16"])), (2, 1))

    def rows_and_skipped(self, answers):
        """Of engines that are as fast as said in each round, or crash."""
        def one_round(engine, *_):
            ms = answers[engine].pop(0)
            return ({"ms": ms, "error": 0, "precision": "fp32", "runs": 5, "load_ms": 1, "rest_mb": 1, "peak_mb": 1, "process_mb": 1}, None) if ms else (None, "crashed")

        loop = types.SimpleNamespace(seconds=lambda: {"arithmetic": 1}, history=[{"arithmetic": 1}])
        with mock.patch.object(compare, "one_round", one_round):
            return compare.compare_engines("net", "net", 1, loop, list(answers), types.SimpleNamespace(rounds=2))

    def test_ours_has_no_row_when_it_fails_in_a_later_round(self):
        rows, skipped = self.rows_and_skipped({"Ropeway": [1, None], "ncnn": [None]})
        self.assertEqual((rows, skipped), ([], {"Ropeway": "crashed", "ncnn": "crashed"}))
        self.assertIn("net, 1 thread", compare.table("net", 1, rows, skipped))

    def test_a_peer_that_fails_in_a_later_round_is_still_the_fastest(self):
        rows, skipped = self.rows_and_skipped({"Ropeway": [8, 8, 8, 8], "ncnn": [10, None], "PyTorch": [20, 20]})
        self.assertEqual((rows[0]["peer"], rows[0]["judged"], rows[1]["failed"], skipped), ("ncnn", False, "crashed", {}))
        self.assertIn("failed in round 2: crashed", compare.table("net", 1, rows, skipped))


class Processes(unittest.TestCase):
    def test_what_hangs_ends_with_what_it_started(self):
        with tempfile.TemporaryDirectory() as scratch:
            pid = Path(scratch) / "pid"
            with self.assertRaises(subprocess.TimeoutExpired):
                compare.run_alone(["sh", "-c", f"sleep 60 & echo $! > {pid}; wait"], os.environ, 0.5)
            status = Path(f"/proc/{int(pid.read_text())}/stat")
            end = time.monotonic() + 5
            while status.exists() and status.read_text().split()[2] != "Z" and time.monotonic() < end:
                time.sleep(0.01)
            self.assertTrue(not status.exists() or status.read_text().split()[2] == "Z")

    def test_a_file_is_written_at_once_and_a_device_stays_one(self):
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "a.json"
            for words in ("1", "2"):
                compare.replace(path, words)
                self.assertEqual(([each.name for each in Path(scratch).iterdir()], path.read_text()), (["a.json"], words))
        compare.replace(Path("/dev/null"), "1")
        self.assertFalse(Path("/dev/null").is_file())


class Commands(unittest.TestCase):
    def parse(self, *arguments):
        """What parse() makes of them, or its one line of why not."""
        stderr = io.StringIO()
        with mock.patch.object(sys, "argv", ["compare.py", *arguments]), mock.patch.object(sys, "stderr", stderr):
            try:
                return compare.parse()
            except SystemExit as end:
                self.assertEqual((end.code, stderr.getvalue().count("\n")), (5, 1))
                return stderr.getvalue()

    def test_what_cannot_be_done_is_said_before_anything_is_measured(self):
        with tempfile.TemporaryDirectory() as scratch:
            old = Path(scratch) / "old.json"
            old.write_text('{"date": "2026-01-02", "machine": {}, "rows": []}')
            for arguments, words in ((["--rounds", "1"], "--rounds from 2"), (["lenet", "lenet"], "once"), (["--threads", "1,1"], "once"), (["--threads", "0"], "--threads from 1"),
                                     (["--threads", "a"], "--threads"), (["--seconds", "0"], "--seconds above 0"), (["nothing.pt2"], "neither a file"), (["--program", "/nothing"], "no program"),
                                     (["--kernels", "lenet"], "takes no MODEL"), (["--kernels", "--threads", "1", "--seconds", "2"], "takes no --threads nor --seconds"),
                                     (["--baseline", "/nothing"], "No such file"), (["--baseline", __file__], "is not JSON"), (["--baseline", str(old)], "of an older form")):
                self.assertIn(words, self.parse(*arguments))

    def test_threads_that_the_machine_has(self):
        for processors, expected in (({0}, [1]), ({0, 1, 2, 3}, [1, 2])):
            with mock.patch.object(os, "sched_getaffinity", lambda _, processors=processors: processors):
                self.assertEqual(self.parse().threads, expected)

    def test_a_command_that_fails_ends_with_a_remedy(self):
        for command in (["/nothing"], ["false"]):
            with tempfile.TemporaryFile("w+") as stderr:
                with mock.patch.object(sys, "stderr", stderr), self.assertRaises(SystemExit) as end:
                    compare.must(command, "do this")
                stderr.seek(0)
                self.assertEqual(end.exception.code, 5)
                self.assertRegex(stderr.read(), "^compare.py: .*do this\n$")

    def test_a_program_of_kernels_that_fails_says_why(self):
        with self.assertRaises(SystemExit) as end:
            kernel_times.measured("false", 2)
        self.assertEqual(end.exception.code, "false failed: status 1, and no times")


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
                Path(f"{command[-1]}.output.npy").touch()
                Path(f"{command[-1]}.onnx.failed").touch()
                if len(made) != 4:
                    Path(f"{command[-1]}.onnx.failed").unlink()
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
                self.assertEqual(times_made(model), 4)
                kept = Path(f"{made[-1]}.pt2")
                kept.touch()
                self.assertEqual([times_made(model), times_made(model)], [5, 5])  # what failed is tried again
                kept.unlink()  # it was not made anew
                self.assertEqual(len(list(folder.iterdir())), 2)


class Baseline(unittest.TestCase):
    LOOP = {"1": {"arithmetic": 1, "reading": 1}, "2": {"arithmetic": 1, "reading": 1}}

    def compare(self, now, before, loop=LOOP):
        """Of a net's (ms, settled)."""
        now, before = ({"rows": [row("Ropeway", *times)] if times else [], "loop": self.LOOP} for times in ((now[0], "fp32", now[1]), before and (before[0], "fp32", before[1])))
        return judge.compare(now | {"sort": "models", "loop": loop}, before)

    def test_more_than_ten_percent_slower_is_a_regression(self):
        lines, status = self.compare((11.1, True), (10, True))
        self.assertEqual(status, 1)
        self.assertIn("REGRESSION", lines[0])
        self.assertEqual(self.compare((10.9, True), (10, True))[1], 0)

    def test_faster_is_said(self):
        self.assertEqual(self.compare((5, True), (10, True)), (["net, 1 thread, Ropeway: faster, 10.000 → 5.000 ms, -50 %"], 0))

    def test_what_was_noisy_is_not_compared(self):
        for now, before in ((False, True), (True, False)):
            self.assertEqual(self.compare((20, now), (10, before)), (["net, 1 thread, Ropeway: too noisy to compare"], 2))

    def test_nothing_is_compared_on_a_machine_that_has_become_slower(self):
        lines, status = self.compare((20, True), (10, True), self.LOOP | {"1": {"arithmetic": 1, "reading": 1.2}})
        self.assertEqual((lines, status), (["threads 1: too noisy to compare, the fixed loop takes 20 % longer than then"], 2))
        self.assertEqual(self.compare((20, True), (10, True), self.LOOP | {"2": {"arithmetic": 1.2, "reading": 1}})[1], 1)  # of another number of threads

    def test_a_kernel_is_of_the_threads_in_its_name(self):
        self.assertEqual([judge.is_slowed({"model": name}, {"1": 1.2}) for name in ("a/threads:1", "a/threads:2", "a/threads:11", "a")], [True, False, False, True])
        self.assertFalse(judge.is_slowed({"model": "a"}, {"2": 1.2}))

    def test_what_is_new_is_said(self):
        self.assertEqual(self.compare((20, True), None), (["net, 1 thread, Ropeway: not in the baseline"], 0))

    def test_a_kernel_that_is_gone_is_said(self):
        before = {"rows": [row("Ropeway", 8)], "loop": self.LOOP}
        self.assertEqual(judge.compare(before | {"sort": "kernels", "rows": []}, before), (["net, 1 thread, Ropeway: no longer measured"], 0))

    def test_peers_are_not_compared(self):
        self.assertEqual(list(judge.our_times({"rows": [row("Ropeway", 8), row("ncnn", 9)]})), ["net, 1 thread, Ropeway"])

    def test_a_baseline_of_other_things_is_refused(self):
        here = {"kind": "a", "flags": ["avx2", "avx512f"], "simd": ""}
        good = {"sort": "models", "date": "", "machine": here, "rows": [], "loop": {}}
        old = {key: value for key, value in good.items() if key != "loop"}
        self.assertIsNone(judge.refusal(good, "models", here))
        for before, words in (([], "not what --json writes"), (old, "of an older form"), (good | {"sort": "kernels"}, "times of kernels, these are of models"),
                              (good | {"machine": here | {"kind": "b"}}, "another kind of machine (b, here a)"),
                              (good | {"machine": here | {"flags": ["avx2"]}}, "another set of instructions (avx2, here avx2 avx512f)"),
                              (good | {"machine": here | {"simd": "avx2"}}, "another ROPEWAY_SIMD (avx2, here none)")):
            self.assertIn(words, judge.refusal(before, "models", here))


class Machine(unittest.TestCase):
    def test_x86(self):
        text = "cpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nflags\t\t: fpu avx2 avx512f avx512_bf16\n"
        found = machine.describe(text, 2)
        self.assertEqual(found["text"], "AMD EPYC, family 25 model 17, 2 processors, avx2 avx512f avx512_bf16, no amx_bf16")
        self.assertEqual(machine.file_name(found), "amd-epyc-family-25-model-17-2-processors.json")

    def test_arm(self):
        found = machine.describe("Features\t: fp asimd asimdhp asimddp\nCPU implementer\t: 0x48\nCPU part\t: 0xd02\n", 4)
        self.assertEqual(found["text"], "CPU implementer 0x48 part 0xd02, 4 processors, asimdhp asimddp")

    def test_the_instructions_that_were_forced_are_said(self):
        found = machine.describe("flags\t\t: avx2\n", 4, "avx2")
        self.assertEqual((found["simd"], found["text"].endswith("avx2, ROPEWAY_SIMD=avx2")), ("avx2", True))

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

    def test_bars_that_are_not_drawn_have_no_length(self):
        bars = list(xml.fromstring(chart.draw(self.RESULT | {"rows": [row("Ropeway", 8), row("ncnn", 80, right=False)]})).iter("{http://www.w3.org/2000/svg}rect"))
        self.assertEqual([float(bar.get("width")) for bar in bars], [chart.WIDTH])
        self.assertNotIn("rect", chart.draw(self.RESULT | {"rows": [row("ncnn", 80, right=False)]}))

    def test_it_takes_what_was_written_of_models(self):
        with tempfile.TemporaryDirectory() as scratch:
            kernels = Path(scratch) / "kernels.json"
            kernels.write_text('{"rows": []}')
            for arguments, words in (([], "RESULTS.json CHART.svg"), (["/nothing", "a.svg"], "cannot be read"), ([str(kernels), "a.svg"], "of kernels there is no chart")):
                with mock.patch.object(sys, "argv", ["chart.py", *arguments]), self.assertRaisesRegex(SystemExit, words):
                    chart.main()

    def test_everything_lies_in_the_picture(self):
        rows = [dict(row(engine, ms), threads=threads, model=model) for model in ("a", "b") for threads in (1, 2) for engine, ms in (("Ropeway", 8), ("ncnn", 1600))]
        tree = xml.fromstring(chart.draw(self.RESULT | {"rows": rows, "machine": {"text": 60 * "avx512 "}}))
        width, height = float(tree.get("width")), float(tree.get("height"))
        for element in tree:
            if element.get("text-anchor") == "start":
                self.assertLessEqual(float(element.get("x")) + chart.LETTER * len(element.text), width)
            if element.get("x"):
                self.assertLessEqual(float(element.get("x")) + float(element.get("width", 0)), width)
                self.assertLessEqual(float(element.get("y")) + float(element.get("height", 0)), height)


if __name__ == "__main__":
    unittest.main()
