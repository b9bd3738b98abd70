// Every function of cann/abi.def with arguments that make no sense: null, garbage that can be read, handles of another kind, absurd numbers. Never a crash, and a text for
// every code.
#include <array>
#include <cstring>
#include <limits>
#include <random>
#include <tuple>
#include <type_traits>

#include "virtual_npu/program.h"

namespace ropeway::cann {
namespace {

constexpr int kRounds = 400;

// Live objects of each opaque kind; a kind is given to functions that want another.
struct Objects {
  std::vector<void*> handles;
  explicit Objects(const Functions& f) {
    aclrtStream stream = nullptr;
    aclrtEvent event = nullptr;
    f.aclrtCreateStream(&stream);
    f.aclrtCreateEvent(&event);
    handles = {stream, event, f.aclmdlCreateDesc(), f.aclmdlCreateDataset(), f.aclCreateDataBuffer(nullptr, 1), f.aclopCreateAttr()};
  }
};

class Arguments {
 public:
  explicit Arguments(const Functions& f) : f_(f), objects_(f) {}

  void next_round() {
    garbage_.assign(1 << 16, static_cast<char>(0xA5));
    std::memset(garbage_.data() + garbage_.size() - 64, 0, 64);
  }

  template <class T>
  T make() {
    if constexpr (std::is_pointer_v<T>) {
      // Opaque objects, which the library must not look into before it knows them. What callers can look into may be garbage, but must be there.
      using Target = std::remove_cv_t<std::remove_pointer_t<T>>;
      const size_t kind = pick(3);
      if (kind == 0) return nullptr;
      if constexpr (is_opaque<Target>()) {
        if (kind == 1) return static_cast<T>(objects_.handles[pick(objects_.handles.size())]);
      }
      return reinterpret_cast<T>(garbage_.data() + 8 * pick(100));
    } else if constexpr (std::is_enum_v<T>) {
      return static_cast<T>(std::array{0, 1, 2, 77, -1}[pick(5)]);
    } else if constexpr (std::is_floating_point_v<T>) {
      return std::numeric_limits<T>::quiet_NaN();
    } else {
      constexpr T most = std::numeric_limits<T>::max();
      return std::array<T, 6>{0, 1, most, static_cast<T>(most / 2 + 1), static_cast<T>(uint64_t{1} << 50), static_cast<T>(-1)}[pick(6)];
    }
  }

  template <class Result, class... Given>
  void call(const char* name, Result (*function)(Given...)) {
    for (int round = 0; round < kRounds; ++round) {
      next_round();
      const std::string last = fmt::format("{} {}", name, round);
      std::strncpy(garbage_.data() + garbage_.size() - 64, last.c_str(), 63);  // for whoever looks at a core file
      f_.aclGetRecentErrMsg();
      // Braces: arguments are made in order.
      const std::tuple<Given...> arguments{make<Given>()...};
      if constexpr (std::is_same_v<Result, aclError>) {
        const aclError code = std::apply(function, arguments);
        if (code != 0) {
          EXPECT_TRUE(is_listed(code)) << name << " gives " << code;
          EXPECT_NE(code, ACL_ERROR_INTERNAL_ERROR) << name << ": nobody thought of this";
          const char* const text = f_.aclGetRecentErrMsg();
          EXPECT_TRUE(text != nullptr && std::strstr(text, name) != nullptr) << name << " gives " << code << " and " << (text == nullptr ? "no text" : text);
        }
      } else {
        std::apply(function, arguments);
      }
    }
  }

 private:
  template <class Target>
  static constexpr bool is_opaque() {
    return std::is_same_v<Target, aclDataBuffer> || std::is_same_v<Target, aclmdlDataset> || std::is_same_v<Target, aclmdlDesc> || std::is_same_v<Target, aclTensorDesc> || std::is_same_v<Target, aclopAttr> ||
           std::is_same_v<Target, aclprofConfig> || std::is_same_v<Target, aclprofSubscribeConfig>;
  }
  size_t pick(size_t count) { return random_() % count; }

  const Functions& f_;
  Objects objects_;
  std::vector<char> garbage_;
  std::mt19937 random_{4711};
};

void call_everything(const Functions& f) {
  test::start(f);
  Arguments arguments(f);
#define ROPEWAY_CANN(library, need, result, name, parameters)                         \
  arguments.call(#name, f.name);                                                      \
  f.aclInit(nullptr); /* what was called may have ended it */                         \
  f.aclrtSetDevice(0);
#include "cann/abi.def"
#undef ROPEWAY_CANN
  // It lives.
  EXPECT_EQ(f.aclrtSetDevice(0), 0);
}

ROPEWAY_ALONE(Hostile, CallsOnACard, {"ROPEWAY_VIRTUAL_MEMORY", "100"}) { call_everything(f); }
ROPEWAY_ALONE(Hostile, CallsOnTheBoard, {"ROPEWAY_VIRTUAL_MEMORY", "100"}, {"ROPEWAY_VIRTUAL_MODE", "RC"}) { call_everything(f); }

// Before anything else, and with nothing.
ROPEWAY_ALONE(Hostile, CallsBeforeInit) {
  Arguments arguments(f);
#define ROPEWAY_CANN(library, need, result, name, parameters) \
  if (std::strcmp(#name, "aclInit") != 0) arguments.call(#name, f.name);
#include "cann/abi.def"
#undef ROPEWAY_CANN
  EXPECT_EQ(f.aclInit(nullptr), 0);
}

// A loaded model's own objects, used wrongly.
ROPEWAY_ALONE(Hostile, ModelsUsedWrongly) {
  test::start(f);
  const std::string om = test::small_om();
  const test::LoadedModel model(f, om);
  aclmdlIODims dims;
  for (const size_t index : {size_t{1}, size_t{77}, SIZE_MAX}) {
    EXPECT_EQ(f.aclmdlGetInputSizeByIndex(model.desc, index), 0u);
    EXPECT_EQ(f.aclmdlGetOutputSizeByIndex(model.desc, index), 0u);
    EXPECT_STREQ(f.aclmdlGetInputNameByIndex(model.desc, index), "");
    EXPECT_EQ(f.aclmdlGetOutputDataType(model.desc, index), ACL_DT_UNDEFINED);
    EXPECT_EQ(f.aclmdlGetInputFormat(model.desc, index), ACL_FORMAT_UNDEFINED);
    EXPECT_NE(f.aclmdlGetOutputDims(model.desc, index, &dims), 0);
    EXPECT_EQ(f.aclmdlGetDatasetBuffer(model.inputs, index), nullptr);
  }
  // A dataset whose buffer is gone, or says more than there is, or less.
  EXPECT_EQ(f.aclUpdateDataBuffer(model.buffers[0], model.memory[0], SIZE_MAX), 0);
  EXPECT_EQ(model.execute(), 0) << "more than the model needs is not looked at";
  EXPECT_EQ(f.aclUpdateDataBuffer(model.buffers[0], static_cast<char*>(model.memory[0]) + 64, model.bytes[0]), 0);
  test::expect_refused(f, model.execute(), virtual_npu::Rule::not_device_memory);
  EXPECT_EQ(f.aclUpdateDataBuffer(model.buffers[0], nullptr, 0), 0);
  test::expect_refused(f, model.execute(), virtual_npu::Rule::buffer_too_small);
  EXPECT_EQ(f.aclDestroyDataBuffer(model.buffers[0]), 0);
  test::expect_refused(f, model.execute(), virtual_npu::Rule::foreign_handle, "a data buffer of the dataset");
  uint32_t id = 0;
  // Every prefix of a model, and every byte of its head changed.
  for (size_t bytes = 0; bytes < std::min<size_t>(om.size(), 600); ++bytes) {
    const std::string part = om.substr(0, bytes);
    test::expect_refused(f, f.aclmdlLoadFromMem(part.data(), part.size(), &id), virtual_npu::Rule::damaged_model);
    std::string changed = om;
    changed[bytes] = static_cast<char>(changed[bytes] ^ 0x55);
    test::expect_refused(f, f.aclmdlLoadFromMem(changed.data(), changed.size(), &id), virtual_npu::Rule::damaged_model);
  }
}

}  // namespace
}  // namespace ropeway::cann
