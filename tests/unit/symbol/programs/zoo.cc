// SPDX-License-Identifier: Apache-2.0
// A C++ program to be symbolized: templates, namespaces, lambdas, inlined standard containers.
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace zoo {
namespace {
struct Keeper {
    std::vector<std::string> names;
    void add(const std::string &name) { names.push_back(name + "!"); }
};

__attribute__((noinline)) int operator+(const Keeper &keeper, int n)
{
    return static_cast<int>(keeper.names.size()) + n;
}
} // namespace

template <class T> class Cage {
  public:
    explicit Cage(T first) { all_.push_back(std::move(first)); }
    virtual ~Cage() = default;
    virtual size_t size() const { return all_.size(); }
    template <class F> void each(F f)
    {
        for (auto &one : all_)
            f(one);
    }
    void add(T one) { all_.emplace_back(std::move(one)); }

  private:
    std::vector<T> all_;
};

template <class T, int N> struct Row {
    T cells[N];
    T sum() const
    {
        struct Adder {
            static __attribute__((noinline)) T add(T a, T b) { return a + b; }
        };
        T total{};
        for (const T &cell : cells)
            total = Adder::add(total, cell);
        return total;
    }
};

static std::unique_ptr<Cage<std::string>> build(int n)
{
    auto cage = std::make_unique<Cage<std::string>>("lion");
    for (int i = 0; i < n; i++)
        cage->add(std::to_string(i) + " zebra of some length beyond the short string");
    return cage;
}
} // namespace zoo

int main(int argc, char **argv)
{
    zoo::Keeper keeper;
    keeper.add(argv[0]);
    auto cage = zoo::build(argc + 5);
    std::map<std::string, int> seen;
    cage->each([&](std::string &name) { seen[name]++; });
    std::vector<int> numbers(20);
    std::generate(numbers.begin(), numbers.end(), [n = 7]() mutable { return n = n * 31 % 101; });
    std::sort(numbers.begin(), numbers.end(), [](int a, int b) { return a > b; });
    std::function<int(int)> twice = [&](int x) { return x * 2 + argc; };
    zoo::Row<double, 3> row{{1.0, 2.0, 3.0}};
    std::cout << cage->size() << ' ' << seen.size() << ' ' << numbers[0] << ' ' << twice(4) << ' '
              << row.sum() << ' ' << (keeper + 1) << std::endl;
    return 0;
}
