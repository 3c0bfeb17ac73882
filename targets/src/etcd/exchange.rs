//! The requests of one call, with note of how far it came.

use super::connection::Connection;
use super::error::{EtcdError, Progress};
use super::key::Prefix;
use super::rpc::compare::{CompareResult, CompareTarget, TargetUnion};
use super::rpc::{Compare, KeyValue, PutRequest, PutResponse, RangeRequest, RequestOp, ResponseHeader, TxnRequest};
use super::rpc::{request_op, response_op};
use squall_results::call::Version;

/// One call on its way.
pub struct Exchange<'a> {
    /// The connection.
    pub connection: &'a mut Connection,
    /// How far the call has come.
    pub progress: &'a mut Progress,
    /// Whether reads of the workload may be answered by the member alone.
    pub serializable: bool,
}

/// A part of a transaction that reads and writes.
pub enum Part {
    /// Read a key, as the parts before it left it.
    Read(Vec<u8>),
    /// Write a key, which no other part of it writes.
    Write(PutRequest),
}

/// What a transaction did.
pub struct Changed {
    /// The revision that it made.
    pub revision: u64,
    /// The writes that it made, in order.
    pub puts: Vec<PutResponse>,
}

impl Exchange<'_> {
    /// Reads one key in the way of the run.
    pub async fn get(&mut self, key: Vec<u8>) -> Result<Option<KeyValue>, EtcdError> {
        Ok(self.range(key, vec![], self.serializable).await?.pop())
    }

    /// Reads one key in the strongest way.
    pub async fn get_strongly(&mut self, key: Vec<u8>) -> Result<Option<KeyValue>, EtcdError> {
        Ok(self.range(key, vec![], false).await?.pop())
    }

    /// Reads all keys that begin alike, at one moment, in the way of the run.
    pub async fn get_all(&mut self, prefix: &Prefix) -> Result<Vec<KeyValue>, EtcdError> {
        self.range(prefix.begin(), prefix.end(), self.serializable).await
    }

    /// Reads all keys that begin alike, at one moment, in the strongest way.
    pub async fn get_all_strongly(&mut self, prefix: &Prefix) -> Result<Vec<KeyValue>, EtcdError> {
        self.range(prefix.begin(), prefix.end(), false).await
    }

    async fn range(
        &mut self,
        key: Vec<u8>,
        range_end: Vec<u8>,
        serializable: bool,
    ) -> Result<Vec<KeyValue>, EtcdError> {
        Ok(self.connection.range(RangeRequest { key, range_end, serializable }).await?.kvs)
    }

    /// Writes one key without condition.
    pub async fn put(&mut self, put: PutRequest) -> Result<Changed, EtcdError> {
        *self.progress = Progress::Changing;
        let mut put = self.connection.put(put).await?;
        Ok(Changed { revision: revision(put.header.take())?, puts: vec![put] })
    }

    /// Makes these writes at one moment if all conditions hold; `None`: they do not.
    pub async fn put_if(&mut self, compare: Vec<Compare>, puts: Vec<PutRequest>) -> Result<Option<Changed>, EtcdError> {
        *self.progress = Progress::Changing;
        let success = puts.into_iter().map(|put| RequestOp { request: Some(request_op::Request::RequestPut(put)) });
        let txn = TxnRequest { compare, success: success.collect(), failure: vec![] };
        let done = self.connection.txn(txn).await?;
        if !done.succeeded {
            return Ok(None);
        }
        let put = |op| match op {
            Some(response_op::Response::ResponsePut(put)) => Ok(put),
            other => Err(EtcdError::Senseless(format!("a write was answered by {other:?}"))),
        };
        let puts = done.responses.into_iter().map(|op| put(op.response)).collect::<Result<_, _>>()?;
        Ok(Some(Changed { revision: revision(done.header)?, puts }))
    }

    /// Reads these keys at one moment, in order; in the way of the run, or in the strongest.
    pub async fn read_all(&mut self, keys: Vec<Vec<u8>>, strongly: bool) -> Result<Vec<Option<KeyValue>>, EtcdError> {
        let serializable = self.serializable && !strongly;
        let reads = keys.into_iter().map(|key| range_op(key, serializable));
        let txn = TxnRequest { compare: vec![], success: reads.collect(), failure: vec![] };
        let done = self.connection.txn(txn).await?;
        done.responses.into_iter().filter_map(|op| found(op.response).transpose()).collect()
    }

    /// Carries out these parts at one moment, in order, if all conditions hold, and tells what its reads found; `None`: they
    /// do not.
    pub async fn transact(
        &mut self,
        compare: Vec<Compare>,
        parts: Vec<Part>,
    ) -> Result<Option<Vec<Option<KeyValue>>>, EtcdError> {
        *self.progress = Progress::Changing;
        let success = parts.into_iter().map(|part| match part {
            Part::Read(key) => range_op(key, false),
            Part::Write(put) => RequestOp { request: Some(request_op::Request::RequestPut(put)) },
        });
        let txn = TxnRequest { compare, success: success.collect(), failure: vec![] };
        let done = self.connection.txn(txn).await?;
        if !done.succeeded {
            return Ok(None);
        }
        let found = done.responses.into_iter().filter_map(|op| found(op.response).transpose());
        Ok(Some(found.collect::<Result<_, _>>()?))
    }
}

fn range_op(key: Vec<u8>, serializable: bool) -> RequestOp {
    let range = RangeRequest { key, range_end: vec![], serializable };
    RequestOp { request: Some(request_op::Request::RequestRange(range)) }
}

/// What a part of a transaction found, if it read: the key, or that it does not exist.
fn found(response: Option<response_op::Response>) -> Result<Option<Option<KeyValue>>, EtcdError> {
    match response {
        Some(response_op::Response::ResponseRange(mut range)) => Ok(Some(range.kvs.pop())),
        Some(_) => Ok(None),
        None => Err(EtcdError::Senseless("a part of a transaction was not answered".into())),
    }
}

fn revision(header: Option<ResponseHeader>) -> Result<u64, EtcdError> {
    let revision = header.and_then(|header| u64::try_from(header.revision).ok());
    revision.ok_or_else(|| EtcdError::Senseless("an answer without a revision".into()))
}

/// A write that answers with what was there before.
pub fn put(key: Vec<u8>, value: &str) -> PutRequest {
    PutRequest { key, value: value.as_bytes().to_vec(), lease: 0, prev_kv: true }
}

/// The condition that a key holds this value; one that does not exist holds none.
pub fn holds(key: Vec<u8>, value: &str) -> Compare {
    equal(key, CompareTarget::Value, TargetUnion::Value(value.as_bytes().to_vec()))
}

/// The condition that a key does not exist.
pub fn is_absent(key: Vec<u8>) -> Compare {
    equal(key, CompareTarget::Create, TargetUnion::CreateRevision(0))
}

/// The condition that a key was made at this revision, and not deleted since.
pub fn is_made_at(key: Vec<u8>, revision: u64) -> Compare {
    // A number that is no revision is that of no key.
    equal(key, CompareTarget::Create, TargetUnion::CreateRevision(i64::try_from(revision).unwrap_or(i64::MIN)))
}

/// The condition that no key that begins so exists.
pub fn all_absent(prefix: &Prefix) -> Compare {
    Compare { range_end: prefix.end(), ..is_absent(prefix.begin()) }
}

/// The condition that a key is as it was when it was read; `None`: it did not exist.
pub fn is_unchanged(key: Vec<u8>, read: Option<&KeyValue>) -> Compare {
    equal(key, CompareTarget::Mod, TargetUnion::ModRevision(read.map_or(0, |read| read.mod_revision)))
}

fn equal(key: Vec<u8>, target: CompareTarget, with: TargetUnion) -> Compare {
    let (result, target) = (CompareResult::Equal.into(), target.into());
    Compare { result, target, key, range_end: vec![], target_union: Some(with) }
}

/// The version of what was read.
pub fn version_read(read: Option<&KeyValue>) -> Version {
    let number = |number: i64| u64::try_from(number).unwrap_or(0);
    read.map_or(Version { order: 0, edits: Some(0) }, |read| Version {
        order: number(read.mod_revision),
        edits: Some(number(read.version)),
    })
}

/// The version that a write made, which answers with what was there before.
pub fn version_written(revision: u64, before: Option<&KeyValue>) -> Version {
    Version { order: revision, edits: version_read(before).edits.map(|edits| edits + 1) }
}

/// What was stored, as a number or whatever else it is.
pub fn parse<T: std::str::FromStr>(bytes: &[u8]) -> Result<T, EtcdError> {
    let text = String::from_utf8_lossy(bytes);
    text.parse().map_err(|_| EtcdError::Senseless(format!("`{text}` is no number")))
}
