// What the virtual libascendcl.so brings into a process: CANN's names, and next to nothing else.
#include <cstdlib>
#include <set>
#include <sstream>

#include "base/file.h"
#include "base/process.h"
#include "support/errors.h"

namespace ropeway {
namespace {

const std::string kLibrary = ROPEWAY_VIRTUAL_HOME "/lib64/libascendcl.so";

std::string output_of(const std::vector<std::string>& command) {
  const test::TestFolder folder;
  const ProcessResult result = run_process(command, folder.path(), 60);
  EXPECT_EQ(result.status, 0) << result.output;
  return result.output;
}

TEST(Library, ExportsTheTableAndNothingElse) {
  std::set<std::string> expected;
#define ROPEWAY_CANN(library, need, result, name, parameters) expected.insert(#name);
#include "cann/abi.def"
#undef ROPEWAY_CANN
  std::set<std::string> exported;
  std::istringstream lines(output_of({"/usr/bin/nm", "-D", "--defined-only", kLibrary}));
  for (std::string address, kind, name; lines >> address >> kind >> name;) exported.insert(name);
  EXPECT_EQ(exported, expected);
}

TEST(Library, NeedsOnlyWhatComesAlong) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "a sanitizer brings libraries of its own";
#endif
  const std::set<std::string> allowed = {"libc.so.6", "libm.so.6", "libhwy.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"};
  std::istringstream lines(output_of({"/usr/bin/readelf", "-d", kLibrary}));
  for (std::string line; std::getline(lines, line);) {
    if (line.find("(NEEDED)") == std::string::npos) continue;
    const std::string name = line.substr(line.find('[') + 1, line.find(']') - line.find('[') - 1);
    EXPECT_TRUE(allowed.contains(name)) << name;
  }
}

TEST(Installation, SetEnvPutsItInTheWay) {
  const std::string text = output_of({"/bin/bash", "-c", "source " ROPEWAY_VIRTUAL_HOME "/set_env.sh && echo $ASCEND_HOME_PATH && command -v atc && atc --help"});
  EXPECT_TRUE(text.starts_with(ROPEWAY_VIRTUAL_HOME "\n" ROPEWAY_VIRTUAL_HOME "/bin/atc\n")) << text;
  EXPECT_NE(text.find("Not CANN's atc"), std::string::npos);
}

TEST(Atc, EndsAsCannsDoes) {
  const test::TestFolder folder;
  const std::string atc = ROPEWAY_VIRTUAL_HOME "/bin/atc";
  const auto run = [&](const std::vector<std::string>& options) {
    std::vector<std::string> command = {atc, "--output=" + (folder / "lenet").string()};
    const auto names_model = [](const std::string& option) { return option.starts_with("--model="); };
    if (std::none_of(options.begin(), options.end(), names_model)) command.emplace_back("--model=" ROPEWAY_TEST_DATA "/golden/onnx/lenet.legacy13.onnx");
    command.insert(command.end(), options.begin(), options.end());
    return run_process(command, folder.path(), 60);
  };
  const ProcessResult good = run({"--framework=5", "--soc_version=Ascend310B4", "--log=error"});
  EXPECT_EQ(good.status, 0) << good.output;
  EXPECT_NE(good.output.find("ATC run success"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(folder / "lenet.om"));
  std::filesystem::remove(folder / "lenet.om");
  for (const auto& [options, part] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"--framework=0", "--soc_version=Ascend310B1"}, "reads ONNX alone"},
           {{"--framework=5", "--soc_version=Ascend910A"}, "there is no virtual Ascend910A"},
           {{"--framework=5"}, "E10054: The required parameter [--soc_version] for ATC is empty"},
           {{"--framework=5", "--soc_version=Ascend310B1", "--precision_mode=allow_mix_precision"}, "mixed modes go by a list of CANN's own"},
           {{"--framework=5", "--soc_version=Ascend310B1", "--insert_op_conf=x"}, "--insert_op_conf=x"},
           {{"--framework=5", "--soc_version=Ascend310B1", "--input_shape=x"}, "no ':' between name and sizes"},
           {{"--framework=5", "--soc_version=Ascend310B1", "--input_shape=x:1,-1"}, "open sizes are not supported"},
           {{"--framework=5", "--soc_version=Ascend310B1", "--model=/nowhere.onnx"}, "cannot open /nowhere.onnx"},
       }) {
    const ProcessResult bad = run(options);
    EXPECT_EQ(bad.status, 1) << part;
    EXPECT_NE(bad.output.find("ATC run failed"), std::string::npos) << bad.output;
    EXPECT_NE(bad.output.find(part), std::string::npos) << bad.output << "lacks: " << part;
    EXPECT_FALSE(std::filesystem::exists(folder / "lenet.om"));
  }
}

}  // namespace
}  // namespace ropeway
