//! What measurements are compared with in the same run: the least that a server of the kind has to do, in a process of its own, so
//! that its processor time and memory are read in the same way. Each says where it listens, as the server does.

pub mod fanout;
pub mod ingest;
