// SPDX-License-Identifier: Apache-2.0
//! A Rust program to be symbolized: traits, generics, closures, collections.
use std::collections::{BTreeMap, HashMap};

trait Vessel {
    fn name(&self) -> String;
    fn load(&mut self, cargo: &str);
}

struct Barge<T> {
    hold: Vec<T>,
}

impl Vessel for Barge<String> {
    fn name(&self) -> String {
        format!("barge with {}", self.hold.len())
    }
    #[inline(never)]
    fn load(&mut self, cargo: &str) {
        self.hold.push(cargo.to_owned());
    }
}

mod quay {
    #[inline]
    fn weigh<T: AsRef<str>>(items: &[T]) -> usize {
        items.iter().map(|item| item.as_ref().len()).sum()
    }
    pub fn total<T: AsRef<str> + Clone>(items: &[T]) -> usize {
        let copy: Vec<T> = items.to_vec();
        weigh(&copy)
    }
}

#[inline(never)]
fn count<'a, I: Iterator<Item = &'a str>>(words: I) -> HashMap<String, u32> {
    let mut all = HashMap::new();
    for word in words {
        *all.entry(word.to_string()).or_insert(0) += 1;
    }
    all
}

fn main() {
    let mut fleet: Vec<Box<dyn Vessel>> = vec![Box::new(Barge { hold: Vec::new() })];
    for vessel in fleet.iter_mut() {
        vessel.load("timber");
        vessel.load("grain");
    }
    let words = "a tide of words and a tide of sea".split(' ');
    let sorted: BTreeMap<_, _> = count(words).into_iter().collect();
    let names: Vec<String> = sorted.keys().cloned().collect();
    let reversed: Vec<String> = names.iter().rev().map(|n| n.chars().rev().collect()).collect();
    println!("{} {} {} {}", fleet[0].name(), quay::total(&names), sorted.len(), reversed.concat());
}
