"""Tests of tools/check_layers.py: small trees with one fault each."""
import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import check_layers  # noqa: E402


def findings(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return check_layers.check(Path(folder))[0]


class Rooms(unittest.TestCase):
    def test_no_room_reaches_itself(self):
        for room, others in check_layers.ROOMS.items():
            for other in others:
                self.assertNotIn(room, check_layers.closure(other))

    def test_ascend_and_the_virtual_npu_never_meet(self):
        self.assertNotIn("virtual_npu", check_layers.closure("ascend"))
        self.assertNotIn("ascend", check_layers.closure("virtual_npu"))
        self.assertNotIn("virtual_npu", check_layers.closure("cli"))

    def test_closure_is_transitive(self):
        self.assertEqual(check_layers.closure("passes"), {"passes", "ops", "ir", "base"})


class Includes(unittest.TestCase):
    def test_down_is_allowed(self):
        self.assertEqual(findings({"src/cpu/a.cc": '#include "cpu/b.h"\n#include "base/c.h"\n#include <vector>\n', "src/cpu/b.h": "", "src/base/c.h": ""}), [])

    def test_up_is_reported_with_file_and_line(self):
        found = findings({"src/ir/a.cc": '#include "base/b.h"\n#include "ops/c.h"\n', "src/base/b.h": "", "src/ops/c.h": ""})
        self.assertEqual(found, ['src/ir/a.cc:2: ir may not include ops ("ops/c.h"); it may include base'])

    def test_public_headers_belong_to_rooms(self):
        found = findings({"src/base/a.cc": '#include "ropeway/error.h"\n#include "ropeway/session.h"\n'})
        self.assertEqual(len(found), 1)
        self.assertTrue(found[0].startswith("src/base/a.cc:2: base may not include engine"))

    def test_public_headers_are_checked_themselves(self):
        self.assertEqual(len(findings({"include/ropeway/tensor.h": '#include "ropeway/session.h"\n'})), 1)

    def test_unknown_rooms_and_headers(self):
        self.assertIn("belongs to no room", findings({"src/attic/a.cc": ""})[0])
        self.assertIn("is in no room", findings({"src/base/a.cc": '#include "gtest/gtest.h"\n'})[0])

    def test_cycles(self):
        found = findings({"src/ir/a.h": '#include "ir/b.h"\n', "src/ir/b.h": '#include "ir/c.h"\n', "src/ir/c.h": '\n#include "ir/a.h"\n'})
        self.assertEqual(found, ["src/ir/c.h:2: a cycle of includes: ir/a.h → ir/b.h → ir/c.h → ir/a.h"])


class Places(unittest.TestCase):
    def test_getenv(self):
        self.assertEqual(findings({"src/base/env.cc": 'std::getenv("A");\n'}), [])
        self.assertEqual(findings({"src/base/file.cc": '\nstd::getenv("A");\n'}), ["src/base/file.cc:2: getenv belongs in base/env.cc alone"])

    def test_simd(self):
        self.assertEqual(findings({"src/cpu/kernels/a.cc": "#include <hwy/highway.h>\n", "src/cpu/a.cc": "#include <hwy/targets.h>\n"}), [])
        self.assertEqual(len(findings({"src/cpu/a.cc": "#include <hwy/highway.h>\n", "src/ops/a.cc": "#include <hwy/targets.h>\n"})), 2)

    def test_printing(self):
        for code in ("#include <iostream>", 'printf("x");', 'std::fprintf(stderr, "x");', 'fmt::print("x");', "std::cerr << 1;"):
            self.assertEqual(len(findings({"src/ir/a.cc": code})), 1, code)
            self.assertEqual(findings({"src/cli/a.cc": code}), [], code)

    def test_formatting_and_words_about_printing_are_fine(self):
        self.assertEqual(findings({"src/ir/a.cc": 'snprintf(p, 3, "%d", 1);\n// printf("x")\nconst char* s = "std::cout";\nfmt::format("x");\n'}), [])

    def test_ending_the_process(self):
        for code in ("abort();", "std::exit(1);", "  std::terminate();"):
            self.assertEqual(len(findings({"src/ir/a.cc": code})), 1, code)
        self.assertEqual(findings({"src/ir/a.cc": "loop.exit();\nwants_exit(1);\n"}), [])


class Program(unittest.TestCase):
    def test_a_folder_without_sources_is_no_success(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(check_layers.main([folder]), 1)


if __name__ == "__main__":
    unittest.main()
