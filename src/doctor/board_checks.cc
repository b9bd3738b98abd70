// The NPU: its driver, its device nodes and who may use them.
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "base/text.h"
#include "doctor/checks.h"
#include "doctor/symptoms.h"

namespace ropeway::doctor {
namespace {

namespace fs = std::filesystem;

constexpr const char* kGroup = "HwHiAiUser";

// Device nodes of the two forms of a 310B: a board that boots from the chip (RC), and a card in a host (EP). Without those that are needed nothing runs (assumed); of the
// others, video and log, some images lack a few.
struct Node {
  const char* name;
  bool on_board, on_card, needed;
};
constexpr Node kNodes[] = {
    {"davinci0", true, true, true},   {"davinci_manager", true, true, true}, {"svm0", true, false, true}, {"ts_aisle", true, false, true}, {"devmm_svm", false, true, true}, {"hisi_hdc", false, true, true},
    {"upgrade", true, false, false},  {"sys", true, false, false},           {"vdec", true, false, false}, {"vpc", true, false, false},     {"pngd", true, false, false},     {"venc", true, false, false},
    {"dvpp_cmdlist", true, false, false}, {"log_drv", true, false, false},
};

bool is_board(const Context& context) { return context.exists("/dev/svm0") || context.exists("/dev/ts_aisle") || context.exists("/etc/sys_version.conf"); }
bool is_container(const Context& context) { return context.exists("/.dockerenv") || context.exists("/run/.containerenv"); }
bool has_form(const Node& node, bool board) { return board ? node.on_board : node.on_card; }
std::string path_of(const Node& node) { return std::string("/dev/") + node.name; }

// The command that gives a container the nodes.
std::string pass_nodes(bool board) {
  std::string command = "docker run";
  for (const Node& node : kNodes) {
    if (has_form(node, board)) command += " --device=" + path_of(node);
  }
  return command + " IMAGE";
}

void check_driver(const Context& context, std::vector<Finding>& findings) {
  const fs::path driver = cann::driver_folder(context.machine), info = driver / "version.info";
  const std::string version = cann::value_of(info, "Version"), install = context.driver() + " && sudo reboot";
  if (version.empty()) {
    std::error_code ignored;
    for (const fs::path& folder : context.folders) {
      if (fs::exists(folder / "libascend_hal.so", ignored) && !cann::is_stub_folder(folder)) return findings.push_back(ok(fmt::format("the image's own: {}", context.shown(folder / "libascend_hal.so"))));
    }
    const std::string text = fmt::format("there is none at {}", context.shown(driver));
    if (context.cann().atc && !context.exists("/dev/davinci0")) findings.push_back(note(text + ": models can be compiled here, but not run", install, "driver-library"));
    else findings.push_back(problem(text, install, "driver-library"));
    return;
  }
  findings.push_back(ok(fmt::format("{} at {}", version, context.shown(driver))));
  const Symptom& row = symptom("old-driver");
  const std::string has = cann::value_of(info, "ascendhal_version");
  const fs::path& root = context.cann().root;
  for (const fs::path& file : {root / "runtime/version.info", root / "share/info/runtime/version.info"}) {
    const std::string needs = cann::value_of(file, "required_driver_ascendhal_version");
    if (needs.empty() || has.empty() || !cann::is_older(has, needs)) continue;
    findings.push_back(problem(fmt::format("the driver's interface is {}, but CANN {} needs {} or newer", has, context.cann().version, needs), row.fix, row.id));
  }
  const std::string firmware = cann::value_of(driver.parent_path() / "firmware/version.info", "Version");
  if (!firmware.empty() && firmware != version) findings.push_back(problem(fmt::format("the firmware is {}: driver and firmware belong together", firmware), row.fix, row.id));
}

void check_nodes(const Context& context, std::vector<Finding>& findings) {
  const bool board = is_board(context);
  const char* form = board ? "a board that boots from the chip (RC)" : "a card in a host (EP)";
  std::vector<std::string> needed, others;
  size_t found = 0;
  for (const Node& node : kNodes) {
    if (!has_form(node, board)) continue;
    if (context.exists(path_of(node))) ++found;
    else (node.needed ? needed : others).push_back(path_of(node));
  }
  const Symptom& row = symptom("no-device");
  const std::string fix = is_container(context) ? pass_nodes(board) : row.fix;
  if (found == 0 && context.cann().atc) return findings.push_back(note("no NPU is here: there is no /dev/davinci0; models can be compiled, but not run", fix, row.id));
  if (!needed.empty()) {
    const std::string why = is_container(context) ? "this container was not given all of them" : "the driver is not loaded, or not whole";
    return findings.push_back(problem(fmt::format("missing for {}: {}; {}", form, listed(needed), why), fix, row.id));
  }
  if (others.empty()) findings.push_back(ok(fmt::format("all {} of {}", found, form)));
  else findings.push_back(note(fmt::format("for {}, models run without {}, video may not", form, listed(others)), is_container(context) ? fix : "ls -l /dev", row.id));
}

struct Group {
  std::string name;
  std::vector<std::string> members;
};

// The line of /etc/group whose name, or number, is `wanted`.
std::optional<Group> find_group(const Context& context, const std::string& wanted) {
  std::ifstream stream(context.machine.at("/etc/group"));
  for (std::string line; std::getline(stream, line);) {
    const std::vector<std::string> parts = split(line, ':');
    if (parts.size() == 4 && (parts[0] == wanted || parts[2] == wanted)) return Group{parts[0], split(parts[3], ',')};
  }
  return std::nullopt;
}

bool may_use(const struct stat& info, const User& user) {
  if (user.id == 0) return true;
  const mode_t both = info.st_uid == user.id ? S_IRUSR | S_IWUSR : user.groups.contains(info.st_gid) ? S_IRGRP | S_IWGRP : S_IROTH | S_IWOTH;
  return (info.st_mode & both) == both;
}

void check_permissions(const Context& context, std::vector<Finding>& findings) {
  const User& user = context.patient.user;
  std::vector<std::string> closed;
  std::string group = kGroup;
  size_t found = 0;
  for (const Node& node : kNodes) {
    struct stat info {};
    if (!node.needed || stat(context.machine.at(path_of(node)).c_str(), &info) != 0) continue;
    ++found;
    if (may_use(info, user)) continue;
    closed.push_back(path_of(node));
    if (const auto owner = find_group(context, std::to_string(info.st_gid)); owner && info.st_gid != 0) group = owner->name;
  }
  if (found == 0) return;
  if (closed.empty()) return findings.push_back(ok(fmt::format("{} may use the device nodes", user.name)));
  const auto known = find_group(context, group);
  const bool is_member = known && std::find(known->members.begin(), known->members.end(), user.name) != known->members.end();
  std::string fix = fmt::format("sudo usermod -aG {} {}", group, user.name);
  std::string text = fmt::format("{} may not read and write {}: not in the group {}; log in again afterwards", user.name, listed(closed), group);
  if (!known) {
    fix = fmt::format("sudo groupadd {0} && sudo chgrp {0} /dev/davinci* && sudo chmod g+rw /dev/davinci* && {1}", group, fix);
    text = fmt::format("{} may not read and write {}, and there is no group {}, which the driver's installer makes", user.name, listed(closed), group);
  } else if (is_member) {
    fix = fmt::format("newgrp {}", group);
    text = fmt::format("{} may not read and write {}: in the group {} since this shell began; log in again", user.name, listed(closed), group);
  }
  findings.push_back(problem(text, fix, "permission"));
}

}  // namespace

const std::vector<Check> kBoardChecks = {{"driver", check_driver, false}, {"devices", check_nodes, false}, {"permissions", check_permissions, false}};

}  // namespace ropeway::doctor
