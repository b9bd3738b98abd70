// Random numbers that any language can repeat: element i of a stream depends on the stream's name and on i alone.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ropeway {

// Seed of the stream called `name`: its 64-bit FNV-1a hash.
constexpr uint64_t stream_seed(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

// 64 random bits: SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014), entered at position i.
constexpr uint64_t random_bits(uint64_t seed, uint64_t i) {
  uint64_t z = seed + (i + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Uniform in [-1, 1): a multiple of 2^-23, from the top 24 bits.
constexpr float random_uniform(uint64_t seed, uint64_t i) {
  return static_cast<float>(random_bits(seed, i) >> 40) * 0x1p-23f - 1.0f;
}

// Fills with scale · random_uniform(seed, first …), rounded to float once.
inline void fill_uniform(std::span<float> values, uint64_t seed, float scale = 1.0f, uint64_t first = 0) {
  for (size_t i = 0; i < values.size(); ++i) values[i] = scale * random_uniform(seed, first + i);
}

}  // namespace ropeway
