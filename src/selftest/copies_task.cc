// Copies between host and device, for the constants of the cost model.
#include <cstring>

#include "base/text.h"
#include "chip/cost_model.h"
#include "selftest/tasks.h"

namespace ropeway::selftest {
namespace {

constexpr size_t kSizes[] = {4096, 65536, 1 << 20, 16 << 20, 64 << 20};  // bytes
constexpr int kWarmup = 2, kRepetitions = 10;

class Copier {
 public:
  Copier(std::shared_ptr<const ascend::Device> device, size_t bytes, double run_seconds)
      : device_(std::move(device)), bytes_(bytes), run_seconds_(run_seconds), host_(device_->allocate_host(bytes, "timing copies")), memory_(device_->allocate(bytes, "timing copies")),
        stream_(device_->make_stream()), begin_(device_->make_event()), end_(device_->make_event()) {
    std::memset(host_.get(), 1, bytes);  // pages that were never touched would be counted
  }

  Statistics time(cann::aclrtMemcpyKind kind) const {
    std::vector<double> times;
    for (int i = 0; i < kWarmup + kRepetitions; ++i) {
      const double ms = copy_once(kind);
      if (i >= kWarmup) times.push_back(ms);
    }
    return statistics(std::move(times));
  }

 private:
  // By the device's clock.
  double copy_once(cann::aclrtMemcpyKind kind) const {
    const cann::Functions& f = device_->functions();
    const std::string doing = fmt::format("timing a copy of {}", readable_bytes(static_cast<double>(bytes_)));
    const bool to_device = kind == cann::ACL_MEMCPY_HOST_TO_DEVICE;
    device_->check(f.aclrtRecordEvent(begin_.get(), stream_.get()), "aclrtRecordEvent", doing);
    device_->check(f.aclrtMemcpyAsync(to_device ? memory_.get() : host_.get(), bytes_, to_device ? host_.get() : memory_.get(), bytes_, kind, stream_.get()), "aclrtMemcpyAsync", doing);
    device_->check(f.aclrtRecordEvent(end_.get(), stream_.get()), "aclrtRecordEvent", doing);
    device_->synchronise(stream_.get(), run_seconds_, doing);
    float ms = 0;
    device_->check(f.aclrtEventElapsedTime(&ms, begin_.get(), end_.get()), "aclrtEventElapsedTime", doing);
    return static_cast<double>(ms);
  }

  const std::shared_ptr<const ascend::Device> device_;
  const size_t bytes_;
  const double run_seconds_;
  const std::shared_ptr<void> host_, memory_, stream_, begin_, end_;
};

// time = start + bytes / rate, through the smallest and the largest copy: what Soc::copy_us and Soc::copy_gb_per_s are.
Json constants(const Json& sizes, const char* direction) {
  const auto ms = [&](const Json& row) { return row[direction]["median"].get<double>(); };
  const auto bytes = [](const Json& row) { return row["bytes"].get<double>(); };
  const Json &small = sizes.front(), &large = sizes.back();
  const double ms_per_byte = (ms(large) - ms(small)) / (bytes(large) - bytes(small));
  if (ms_per_byte <= 0) return nullptr;
  return {{"us", rounded(1e3 * (ms(small) - bytes(small) * ms_per_byte))}, {"gb_per_s", rounded(1e-6 / ms_per_byte)}};
}

}  // namespace

Json run_copies(const SessionOptions& options, Stage& stage) {
  const auto device = open_device(options);
  const auto entered = device->enter();
  const chip::Soc& soc = soc_of(*device);
  const bool board = is_board(*device).value_or(false);
  stage.name = "run";
  Json sizes = Json::array();
  for (const size_t bytes : kSizes) {
    const Copier copier(device, bytes, options.run_seconds);
    const double size = static_cast<double>(bytes);
    sizes.push_back({{"bytes", bytes},
                     {"to_device_ms", to_json(copier.time(cann::ACL_MEMCPY_HOST_TO_DEVICE))},
                     {"to_host_ms", to_json(copier.time(cann::ACL_MEMCPY_DEVICE_TO_HOST))},
                     {"predicted_ms", rounded(board ? chip::memory_copy_ms(size, soc) : chip::copy_ms(size, soc))}});
  }
  Json to_device = constants(sizes, "to_device_ms"), to_host = constants(sizes, "to_host_ms");
  return {{"sizes", std::move(sizes)}, {"to_device", std::move(to_device)}, {"to_host", std::move(to_host)}, {"predicted", {{"us", soc.copy_us}, {"gb_per_s", soc.copy_gb_per_s}}}};
}

}  // namespace ropeway::selftest
