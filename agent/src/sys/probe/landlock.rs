//! Landlock, landlock(7): which of its versions the kernel has.

#![expect(unsafe_code, reason = "landlock_create_ruleset has no safe wrapper in the libraries that we have")]

use std::ptr;

use nix::errno::Errno;

/// The version; `None` where it is not built in, or was not turned on at boot.
pub fn landlock() -> Result<Option<u32>, Errno> {
    // SAFETY: with this flag the call takes no attributes, makes no ruleset, and gives a number or an error.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            ptr::null::<libc::c_void>(),
            0_usize,
            LANDLOCK_CREATE_RULESET_VERSION,
        )
    };
    match Errno::result(answer) {
        Ok(version) => Ok(u32::try_from(version).ok()),
        Err(Errno::ENOSYS | Errno::EOPNOTSUPP) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// include/uapi/linux/landlock.h.
const LANDLOCK_CREATE_RULESET_VERSION: u32 = 1;

#[cfg(test)]
mod tests {
    #[test]
    fn the_kernel_answers_as_its_list_of_modules_does() {
        // Where securityfs is not mounted there is no list.
        let Ok(list) = std::fs::read_to_string("/sys/kernel/security/lsm") else { return };
        let is_listed = list.split(',').any(|name| name.trim() == "landlock");
        assert_eq!(super::landlock().unwrap().is_some(), is_listed, "{list}");
    }
}
