//! Writing to standard output. A reader that has seen enough is no error.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use crate::cli::Output;

/// Large enough that a plan of thousands of nodes takes few calls.
const BUFFER_BYTES: usize = 256 << 10;

/// Writes text.
pub(crate) fn text(text: &str) -> anyhow::Result<()> {
    write(|out| out.write_all(text.as_bytes()))
}

/// Writes a value as JSON or YAML, piece by piece; `Table` is not for values.
pub(crate) fn value(form: Output, value: &impl Serialize) -> anyhow::Result<()> {
    match form {
        Output::Yaml => text(&serde_saphyr::to_string(value)?),
        Output::Json | Output::Table => write(|out| {
            serde_json::to_writer_pretty(&mut *out, value)?;
            out.write_all(b"\n")
        }),
    }
}

/// Standard output, through a buffer.
type Out = BufWriter<io::StdoutLock<'static>>;

fn write(content: impl FnOnce(&mut Out) -> io::Result<()>) -> anyhow::Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock());
    match content(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}
