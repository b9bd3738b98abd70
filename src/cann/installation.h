// Finding CANN on a machine. No environment script needs to have been run.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cann/machine.h"

namespace ropeway::cann {

// In the bytes of every virtual libascendcl.so: the library itself says what it is, whatever files lie around it.
inline constexpr char kVirtualMark[] = "ropeway-virtual-libascendcl";

// Where CANN's C functions are: before CANN 9 all in the first, since then in the others, with the first kept for a while. Each is looked for in all.
inline constexpr const char* kAclLibraries[] = {"libascendcl.so", "libacl_rt.so", "libacl_mdl.so", "libacl_op_executor.so", "libmsprofiler.so"};

struct Installation {
  std::filesystem::path root;                // absolute
  std::filesystem::path library;             // libascendcl.so in its lib64; libacl_rt.so of a CANN 9 that has no other
  std::optional<std::filesystem::path> atc;  // the compiler; the run-time package of a board has none
  std::string version;                       // "8.1.RC1", or "unknown"
  bool is_virtual = false;                   // Ropeway's own, which needs no NPU: predicted
};

// What stands at `root`; nothing when there is no libascendcl.so (or libacl_rt.so) in it. Link-time stubs (devlib, lib64/stub) do not count.
std::optional<Installation> installation_at(const std::filesystem::path& root);

struct Search {
  std::optional<Installation> found;
  std::vector<std::string> looked;  // places in order, with what was there
};

// A real CANN: where ASCEND_HOME_PATH and other variables of CANN's say, then where its installers put it or have noted it (in /etc/Ascend), the newest where there are
// several of a kind. A virtual one does not count.
Search find_installation(const Machine& machine = {});

// Every real CANN of a machine, in that order, each once.
std::vector<Installation> find_all_installations(const Machine& machine = {});

// Ropeway's virtual CANN: where ROPEWAY_VIRTUAL_HOME says, else beside the program.
Search find_virtual_installation();

// Where the driver is installed, or would be: /usr/local/Ascend/driver, unless /etc/ascend_install.info says otherwise.
std::filesystem::path driver_folder(const Machine& machine = {});

// The folders in which CANN's libraries find each other, and the driver's; those that exist. `library`: Installation::library.
std::vector<std::filesystem::path> library_folders(const std::filesystem::path& library, const Machine& machine = {});

// Whether a folder holds libraries to link with, not to run: each of their functions returns 100039.
bool is_stub_folder(const std::filesystem::path& folder);

// What CANN's set_env.sh would set for atc, for what is there: single values unless the user has set them, lists with the user's entries behind. On a small board also
// MAX_COMPILE_CORE_NUMBER=1 and TE_PARALLEL_COMPILER=1, unless set.
std::map<std::string, std::string> compiler_environment(const Installation& installation, const Machine& machine = {});

// Where compiling takes long and may run out of memory (an ARM board, or less than 16 GB): that. "" elsewhere. The way out is kCompileElsewhere.
inline constexpr const char* kCompileElsewhere = "ropeway compile MODEL --device npu --soc Ascend310B1 -o MODEL.om";  // on a PC with CANN's toolkit
std::string why_compiling_is_slow(const Machine& machine = {});

// "8.1.RC1 at /usr/local/Ascend/…".
std::string to_string(const Installation& installation);

}  // namespace ropeway::cann
