// SPDX-License-Identifier: Apache-2.0
//! A server that answers its own hundred clients, then ends.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let mut request = vec![0u8; 1024];
    let n = stream.read(&mut request).await?;
    stream.write_all(&request[..n].to_ascii_uppercase()).await
}

async fn ask(address: std::net::SocketAddr, i: usize) -> std::io::Result<usize> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("request {i}").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move {
        for _ in 0..100 {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(serve(stream));
        }
        std::io::Result::Ok(())
    });
    let mut bytes = 0;
    for i in 0..100 {
        bytes += ask(address, i).await?;
    }
    server.await.expect("the server does not panic")?;
    println!("async_server: {bytes} bytes answered");
    Ok(())
}
