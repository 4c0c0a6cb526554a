// SPDX-License-Identifier: Apache-2.0
//! Threads that build, send and drop collections: `threads THREADS ROUNDS`.
use std::collections::{BTreeMap, HashMap};
use std::sync::mpsc::channel;
use std::thread;

/// A map of names and lists: many small blocks, and vectors that grow.
fn build(seed: usize) -> BTreeMap<String, Vec<usize>> {
    let mut words: HashMap<String, Vec<usize>> = HashMap::new();
    for i in 0..4000 {
        let name = format!("name {}", (i * 7919 + seed) % 1009);
        words.entry(name).or_default().push(i);
    }
    words.into_iter().collect()
}

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).map(|a| a.parse().unwrap()).collect();
    let (threads, rounds) = (numbers[0], numbers[1]);
    let (send, receive) = channel();
    for number in 0..threads {
        let send = send.clone();
        thread::spawn(move || {
            for round in 0..rounds {
                send.send(build(number * rounds + round)).unwrap();
            }
        });
    }
    drop(send);
    // What the others made is dropped here.
    let sum: usize = receive.iter().map(|map| map.values().map(Vec::len).sum::<usize>()).sum();
    println!("{sum}");
}
