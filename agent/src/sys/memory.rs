//! Memory that is no longer needed goes back to the kernel: mallopt(3), malloc_trim(3).
//!
//! A daemon that looks once in a while would otherwise keep what its busiest moment needed. The two belong together:
//! what a thread's own arena holds is not given back, measured with every fact of a small server.

#![expect(unsafe_code, reason = "the allocator has no safe wrapper")]

/// All threads share one arena. To be called before any of them starts; `false` where the allocator knows of no arenas.
pub fn one_arena() -> bool {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: mallopt takes two numbers and no pointer, and may be called at any time.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) == 1 }
    }
    #[cfg(not(target_env = "gnu"))]
    false
}

/// Gives back what is free; whether there was anything.
pub fn give_back() -> bool {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: malloc_trim takes a number, takes the allocator's locks itself, and touches free memory only.
        unsafe { libc::malloc_trim(0) == 1 }
    }
    #[cfg(not(target_env = "gnu"))]
    false
}

#[cfg(target_env = "gnu")]
#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn what_a_thread_needed_is_given_back() {
        // In a process of its own: other tests allocate in this one.
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sys::memory::tests::a_child_that_needs_much_for_a_moment", "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Not a test by itself: what the test above starts.
    #[test]
    fn a_child_that_needs_much_for_a_moment() {
        if std::env::var_os(CHILD).is_none() {
            return;
        }
        assert!(one_arena());
        let kept = std::thread::spawn(|| {
            // Small pieces come from an arena; the last one, kept, holds all before it in place.
            let mut pieces: Vec<Vec<u8>> = (0..100_000).map(|_| vec![1; 200]).collect();
            pieces.pop().unwrap()
        });
        let kept = kept.join().unwrap();
        let before = resident();
        assert!(give_back());
        assert!(resident() + (10 << 20) < before, "{before} {}", resident());
        assert_eq!(kept.len(), 200);
    }

    fn resident() -> u64 {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = statm.split_whitespace().nth(1).unwrap().parse().unwrap();
        pages * rustix::param::page_size() as u64
    }

    const CHILD: &str = "GUESTWARD_TEST_MEMORY_CHILD";
}
