//! Both queues by hand.
