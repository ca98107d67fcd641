//! End a run: write the stores back, pay for it, give the result out.

use alloc::vec::Vec;

use super::{Host, Reason, Step, Tracer, run::Run};
use crate::{Value, gas::Model, limits::VALUE_BYTES_MAX};

impl<H: Host, T: Tracer> Run<'_, H, T> {
    /// The encoded result. In this order: serial walk of every register that was written, write-back, final walk.
    pub(super) fn finish(&mut self, value: Value) -> Step<Vec<u8>, H> {
        let value = self.unfold(value, Model::Unfold)?;
        for written in self.stores.written() {
            self.meter.walk(Model::Serial, written)?;
        }
        self.stores.write_back(self.host, &mut self.meter)?;
        self.meter.walk(Model::Final, value.measure())?;
        Self::check_bytes(&value)?;
        let bytes = value.encode();
        if bytes.len() > VALUE_BYTES_MAX {
            return Err(Reason::Limit("bytes of a result").into());
        }
        Ok(bytes)
    }
}
