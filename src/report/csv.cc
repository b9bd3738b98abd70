#include "base/text.h"
#include "report/export.h"

namespace ropeway {
namespace {

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + "\"";
}

}  // namespace

std::string to_csv(std::span<const ModelReport> reports) {
  std::string text = "model,device,precision,threads,predicted,index,path,description,latency_min_ms,latency_median_ms\r\n";
  for (const ModelReport& report : reports) {
    for (const DeviceReport& device : report.devices) {
      const std::string head = fmt::format("{},{},{},{},{}", quoted(report.model), quoted(device.device), quoted(device.precision), device.threads, device.predicted);
      for (size_t i = 0; i < device.rows.size(); ++i) {
        const RowReport& row = device.rows[i];
        text += fmt::format("{},{},{},{},{:.6f},{:.6f}\r\n", head, i + 1, quoted(row.path), quoted(row.description), row.min_ms, row.median_ms);
      }
      text += fmt::format("{},,,end to end,{:.6f},{:.6f}\r\n", head, device.end_to_end.min, device.end_to_end.median);
    }
  }
  return text;
}

}  // namespace ropeway
