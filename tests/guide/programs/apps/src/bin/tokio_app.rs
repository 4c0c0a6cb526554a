// SPDX-License-Identifier: Apache-2.0
//! An asynchronous program: tasks that each hold a buffer while they sleep.

async fn hold(size: usize) -> usize {
    let buffer = vec![1u8; size];
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    buffer.len()
}

#[tokio::main]
async fn main() {
    let tasks: Vec<_> = (1..=50).map(|i| tokio::spawn(hold(i * 100))).collect();
    let mut sum = 0;
    for task in tasks {
        sum += task.await.expect("the task does not panic");
    }
    println!("tokio_app: {sum} bytes held");
}
