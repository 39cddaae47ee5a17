//! Cutting a body into lines as its pieces come.

use bytes::{Buf, Bytes, BytesMut};

use crate::client::{ApiError, ByteStream};

/// Where the pieces come from.
pub(super) trait Pieces {
    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Option<Result<Bytes, ApiError>>;
}

impl Pieces for ByteStream {
    async fn next(&mut self) -> Option<Result<Bytes, ApiError>> {
        ByteStream::next(self).await
    }
}

/// Lines of a body.
pub(super) struct Lines<S> {
    pieces: S,
    buffer: BytesMut,
    /// How much of the buffer is known to hold no line end.
    searched: usize,
}

impl<S: Pieces> Lines<S> {
    pub(super) fn new(pieces: S) -> Self {
        Self {
            pieces,
            buffer: BytesMut::new(),
            searched: 0,
        }
    }

    /// The next line that is not empty, without its end. A last line without an end was cut off by
    /// a broken connection and is dropped. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, ApiError>> {
        loop {
            if let Some(line) = self.cut() {
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return Some(Ok(line));
            }
            match self.pieces.next().await? {
                Ok(piece) => self.buffer.extend_from_slice(&piece),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    fn cut(&mut self) -> Option<Bytes> {
        let Some(at) = self.buffer[self.searched..]
            .iter()
            .position(|&byte| byte == b'\n')
        else {
            self.searched = self.buffer.len();
            return None;
        };
        let line = self.buffer.split_to(self.searched + at).freeze();
        self.buffer.advance(1);
        self.searched = 0;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    struct Parts(VecDeque<Bytes>);

    impl Pieces for Parts {
        async fn next(&mut self) -> Option<Result<Bytes, ApiError>> {
            self.0.pop_front().map(Ok)
        }
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_how_the_body_is_cut(
            lines in prop::collection::vec("[a-z]{1,20}", 0..20),
            cut in 1_usize..15,
        ) {
            let mut body: Vec<u8> = Vec::new();
            for line in &lines {
                body.extend_from_slice(line.as_bytes());
                body.extend_from_slice(b"\n");
            }
            body.extend_from_slice(b"unfinished");
            let parts = body.chunks(cut).map(Bytes::copy_from_slice).collect();
            let mut reader = Lines::new(Parts(parts));
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
            let read: Vec<String> = runtime.block_on(async {
                let mut read = Vec::new();
                while let Some(line) = reader.next().await {
                    let line = line.expect("no failure");
                    read.push(String::from_utf8(line.to_vec()).expect("ascii"));
                }
                read
            });
            prop_assert_eq!(read, lines);
        }
    }
}
