//! How many connections there are, in all and from each address.

use parking_lot::Mutex;
use std::{collections::HashMap, net::IpAddr, sync::Arc};

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_ip: HashMap<IpAddr, u32>,
}

#[derive(Clone, Debug)]
pub(super) struct Seats {
    most: usize,
    most_per_ip: u32,
    taken: Arc<Mutex<Taken>>,
}

/// Why there is no seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoSeat {
    Full,
    TooManyFromThere,
}

/// Counts one connection for as long as it is held.
#[derive(Debug)]
pub(super) struct Seat {
    taken: Arc<Mutex<Taken>>,
    ip: Option<IpAddr>,
}

impl Seats {
    pub(super) fn new(most: usize, most_per_ip: u32) -> Self {
        Self {
            most,
            most_per_ip,
            taken: Arc::default(),
        }
    }

    pub(super) fn take(&self, ip: Option<IpAddr>) -> Result<Seat, NoSeat> {
        let ip = ip.map(network).filter(|ip| !ip.is_loopback());
        let mut taken = self.taken.lock();
        if taken.all >= self.most {
            return Err(NoSeat::Full);
        }
        if let Some(ip) = ip {
            let here = taken.by_ip.entry(ip).or_default();
            if *here >= self.most_per_ip {
                return Err(NoSeat::TooManyFromThere);
            }
            *here += 1;
        }
        taken.all += 1;
        metrics::gauge!("pulsecast_connections").set(taken.all as f64);
        Ok(Seat {
            taken: self.taken.clone(),
            ip,
        })
    }

    pub(super) fn taken(&self) -> usize {
        self.taken.lock().all
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        taken.all -= 1;
        metrics::gauge!("pulsecast_connections").set(taken.all as f64);
        let Some(ip) = self.ip else { return };
        if let Some(here) = taken.by_ip.get_mut(&ip) {
            *here -= 1;
            if *here == 0 {
                taken.by_ip.remove(&ip);
            }
        }
    }
}

/// One IPv6 customer has at least a /64: that counts as one address.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) if !ip.is_loopback() => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_gets_so_many_all_together_so_many_and_a_seat_comes_back() {
        let seats = Seats::new(4, 2);
        let take = |ip: &str| seats.take(Some(ip.parse().unwrap()));
        let (a, _b) = (take("2001:db8::1").unwrap(), take("2001:db8::2").unwrap());
        assert_eq!(take("2001:db8::3").unwrap_err(), NoSeat::TooManyFromThere);
        let _local = [take("127.0.0.1").unwrap(), take("127.0.0.1").unwrap()];
        assert_eq!(take("127.0.0.1").unwrap_err(), NoSeat::Full);
        drop(a);
        assert!(take("2001:db8::3").is_ok());
    }
}
