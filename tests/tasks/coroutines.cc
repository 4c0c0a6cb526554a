// SPDX-License-Identifier: Apache-2.0
// Ground truth for coroutines of C++20: each block's size tells which coroutine made it, and when.
#include <coroutine>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr size_t base = 100000, steps = 256;

struct Count {
    uint64_t n = 0, bytes = 0;
    int parent = -1;
};

std::mutex lock;
std::deque<Count> counts;
int next_number;

// What one coroutine allocates.
struct Own {
    int number;
    size_t step = 0;

    explicit Own(int parent)
    {
        std::lock_guard<std::mutex> guard(lock);
        number = next_number++;
        counts.push_back({0, 0, parent});
    }

    size_t size()
    {
        size_t bytes = base + static_cast<size_t>(number) * steps + step++ % steps;
        std::lock_guard<std::mutex> guard(lock);
        counts[static_cast<size_t>(number)].n++;
        counts[static_cast<size_t>(number)].bytes += bytes;
        return bytes;
    }

    void raw()
    {
        void *block = malloc(size());
        __asm__ volatile("" : : "r"(block) : "memory");
        if (step % 3)
            free(block);
    }

    void object()
    {
        char *block = new char[size()];
        __asm__ volatile("" : : "r"(block) : "memory");
        delete[] block;
    }

    // Below other functions of the program's own.
    __attribute__((noinline)) int deep(int depth)
    {
        if (depth == 0) {
            raw();
            return 1;
        }
        int below = deep(depth - 1);
        __asm__ volatile("" : "+r"(below));
        return below + 1;
    }
};

std::deque<std::coroutine_handle<>> ready;

struct Task {
    struct promise_type {
        std::coroutine_handle<> awaiting;
        Task get_return_object()
        {
            return Task(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        struct Final {
            bool await_ready() noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> done) noexcept
            {
                std::coroutine_handle<> to = done.promise().awaiting;
                return to ? to : std::noop_coroutine();
            }
            void await_resume() noexcept {}
        };
        Final final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { failed = std::current_exception(); }
        std::exception_ptr failed;
    };

    explicit Task(std::coroutine_handle<promise_type> mine) : handle(mine) {}
    Task(Task &&other) noexcept : handle(std::exchange(other.handle, {})) {}
    ~Task()
    {
        if (handle)
            handle.destroy();
    }

    bool await_ready() { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> by)
    {
        handle.promise().awaiting = by;
        return handle;
    }
    void await_resume()
    {
        if (handle.promise().failed)
            std::rethrow_exception(handle.promise().failed);
    }

    std::coroutine_handle<promise_type> handle;
};

// Lets the others run.
struct Yield {
    std::deque<std::coroutine_handle<>> *queue;
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<> by) { queue->push_back(by); }
    void await_resume() {}
};

using Queue = std::deque<std::coroutine_handle<>>;

Task leaf(Queue *queue, int parent)
{
    Own own(parent);
    own.raw();
    for (int i = 0; i < 4; i++) {
        co_await Yield{queue};
        own.raw();
        own.object();
        own.deep(i);
    }
}

// Awaits one of its own kind: frames of the same function lie below each other.
Task recursive(Queue *queue, int parent, int depth)
{
    Own own(parent);
    own.raw();
    if (depth > 0) {
        co_await recursive(queue, own.number, depth - 1);
        own.raw();
        co_await recursive(queue, own.number, depth - 1);
    }
    own.deep(2);
    co_await Yield{queue};
    own.raw();
}

Task parent_of_leaves(Queue *queue, int parent, int n)
{
    Own own(parent);
    for (int i = 0; i < n; i++) {
        own.raw();
        co_await leaf(queue, own.number);
        own.object();
    }
}

// Out of line: a frame that is built into its caller's has no block, and is known by its address alone.
__attribute__((noinline)) Task failing(Queue *queue, int parent)
{
    Own own(parent);
    own.raw();
    co_await Yield{queue};
    own.raw();
    throw 1;
}

Task catching(Queue *queue, int parent)
{
    Own own(parent);
    own.raw();
    try {
        co_await failing(queue, own.number);
    } catch (int) {
        own.raw();
    }
    own.raw();
}

// What lies on the body's own stack, and what it calls with its frame's address in hand.
__attribute__((noinline)) void on_behalf(Own *own, volatile char *scratch)
{
    scratch[0] = 1;
    own->raw();
}

Task busy(Queue *queue, int parent)
{
    Own own(parent);
    for (int i = 0; i < 3; i++) {
        volatile char scratch[400];
        on_behalf(&own, scratch);
        co_await Yield{queue};
    }
}

struct Numbers {
    struct promise_type {
        int value;
        Numbers get_return_object()
        {
            return Numbers{std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        std::suspend_always yield_value(int next)
        {
            value = next;
            return {};
        }
        void return_void() {}
        void unhandled_exception() {}
    };
    std::coroutine_handle<promise_type> handle;
};

// Out of line, as above.
__attribute__((noinline)) Numbers numbers(int n)
{
    Own own(-1);
    for (int i = 0; i < n; i++) {
        own.raw();
        co_yield i;
    }
}

void run(Queue *queue, std::vector<Task> *tasks)
{
    for (Task &task : *tasks)
        task.handle.resume();
    while (!queue->empty()) {
        std::coroutine_handle<> next = queue->front();
        queue->pop_front();
        next.resume();
    }
}

void work()
{
    Queue queue;
    std::vector<Task> tasks;
    for (int i = 0; i < 20; i++) {
        tasks.push_back(leaf(&queue, -1));
        tasks.push_back(recursive(&queue, -1, 4));
        tasks.push_back(parent_of_leaves(&queue, -1, 3));
        tasks.push_back(catching(&queue, -1));
        tasks.push_back(busy(&queue, -1));
    }
    run(&queue, &tasks);
    for (int i = 0; i < 5; i++) {
        Numbers all = numbers(6);
        while (!all.handle.done())
            all.handle.resume();
        all.handle.destroy();
    }
}

} // namespace

int main()
{
    Own outside(-1);
    outside.raw();
    work();
    outside.raw();
    std::thread other(work);
    work();
    other.join();
    outside.raw();
    for (size_t i = 0; i < counts.size(); i++)
        printf("task %zu %llu %llu %d\n", i, static_cast<unsigned long long>(counts[i].n),
               static_cast<unsigned long long>(counts[i].bytes), counts[i].parent);
    return 0;
}
