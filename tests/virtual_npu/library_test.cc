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
  // And what programs that compile in process need of CANN's C++ functions.
  for (const char* name : {
           "_ZN2ge12AscendStringC1EPKc",
           "_ZNK2ge12AscendStringltERKS0_",
           "_ZN2ge5GraphC1EPKc",
           "_ZN2ge20aclgrphBuildFinalizeEv",
           "_ZN2ge22aclgrphBuildInitializeERSt3mapINS_12AscendStringES1_St4lessIS1_ESaISt4pairIKS1_S1_EEE",
           "_ZN2ge23aclgrphParseONNXFromMemEPKcmRKSt3mapINS_12AscendStringES3_St4lessIS3_ESaISt4pairIKS3_S3_EEERNS_5GraphE",
           "_ZN2ge17aclgrphBuildModelERKNS_5GraphERKSt3mapINS_12AscendStringES4_St4lessIS4_ESaISt4pairIKS4_S4_EEERNS_15ModelBufferDataE",
           "_ZN2ge16aclgrphSaveModelEPKcRKNS_15ModelBufferDataE",
       }) {
    expected.insert(name);
  }
  std::set<std::string> exported;
  std::istringstream lines(output_of({"/usr/bin/nm", "-D", "--defined-only", kLibrary}));
  for (std::string address, kind, name; lines >> address >> kind >> name;) exported.insert(name);
  EXPECT_EQ(exported, expected);
}

std::set<std::string> needed_by(const std::string& library) {
  std::set<std::string> result;
  std::istringstream lines(output_of({"/usr/bin/readelf", "-d", library}));
  for (std::string line; std::getline(lines, line);) {
    if (line.find("(NEEDED)") == std::string::npos) continue;
    result.insert(line.substr(line.find('[') + 1, line.find(']') - line.find('[') - 1));
  }
  return result;
}

TEST(Library, NeedsOnlyWhatComesAlong) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "a sanitizer brings libraries of its own";
#endif
  const std::set<std::string> allowed = {"libc.so.6", "libm.so.6", "libhwy.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"};
  for (const std::string& name : needed_by(kLibrary)) EXPECT_TRUE(allowed.contains(name)) << name;
}

// One library has all functions and all state: under other names it must come along, not again.
TEST(Library, OthersBringItAlong) {
  for (const char* name : {"libacl_op_compiler.so", "libfmk_onnx_parser.so"}) {
    const std::string library = ROPEWAY_VIRTUAL_HOME "/lib64/" + std::string(name);
    EXPECT_EQ(output_of({"/usr/bin/nm", "-D", "--defined-only", library}), "") << name;
    EXPECT_TRUE(needed_by(library).contains("libascendcl.so")) << name;
#if !defined(__SANITIZE_ADDRESS__)
    EXPECT_EQ(needed_by(library).size(), 1u) << name;
#endif
    EXPECT_NE(output_of({"/usr/bin/readelf", "-d", library}).find("runpath: [$ORIGIN]"), std::string::npos) << name << " must be found wherever it is copied to";
  }
}

TEST(Installation, SetEnvPutsItInTheWay) {
  const std::string text = output_of({"/bin/bash", "-c", "source " ROPEWAY_VIRTUAL_HOME "/set_env.sh && echo $ASCEND_HOME_PATH && command -v atc && atc --help"});
  EXPECT_TRUE(text.starts_with(ROPEWAY_VIRTUAL_HOME "\n" ROPEWAY_VIRTUAL_HOME "/bin/atc\n")) << text;
  EXPECT_NE(text.find("Not CANN's atc"), std::string::npos);
}

TEST(NpuSmi, ShowsTheVirtualChip) {
  const test::TestFolder folder;
  const auto run = [&](std::vector<std::string> arguments, const std::map<std::string, std::string>& variables = {}) {
    arguments.insert(arguments.begin(), ROPEWAY_VIRTUAL_HOME "/bin/npu-smi");
    return run_process(arguments, folder.path(), 60, variables);
  };
  const ProcessResult good = run({"info"});
  EXPECT_EQ(good.status, 0) << good.output;
  EXPECT_NE(good.output.find("a virtual NPU, no NPU is here"), std::string::npos) << good.output;
  EXPECT_NE(good.output.find("0    / 12000"), std::string::npos) << good.output;
  std::istringstream lines(good.output);
  size_t width = 0;
  for (std::string line; std::getline(lines, line); width = line.size()) EXPECT_TRUE(width == 0 || line.size() == width) << line;
  // As ggml's build looks for the chip.
  const ProcessResult word = run_process({"/bin/bash", "-c", "source " ROPEWAY_VIRTUAL_HOME "/set_env.sh && npu-smi info | awk -F' ' 'FNR==7 {print $3}'"}, folder.path(), 60, {{"ROPEWAY_VIRTUAL_SOC", "Ascend310B4"}});
  EXPECT_EQ(word.output, "310B4\n");
  EXPECT_EQ(run({"--help"}).status, 0);
  const ProcessResult other = run({"info", "-t", "board", "-i", "0"});
  EXPECT_EQ(other.status, 1);
  EXPECT_NE(other.output.find("the virtual NPU has no 'info -t board -i 0'"), std::string::npos) << other.output;
  const ProcessResult wrong = run({"info"}, {{"ROPEWAY_VIRTUAL_SOC", "310B1"}});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_NE(wrong.output.find("ROPEWAY_VIRTUAL_SOC: there is no virtual 310B1"), std::string::npos) << wrong.output;
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
           {{"--framework=5", "--soc_version=Ascend310B1", "--model=" ROPEWAY_TEST_DATA "/golden/onnx/vit.legacy_dynamic.onnx"}, "the model leaves these sizes open"},
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
