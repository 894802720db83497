_guestward() {
    local i cur prev opts cmd
    COMPREPLY=()
    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
        cur="$2"
    else
        cur="${COMP_WORDS[COMP_CWORD]}"
    fi
    prev="$3"
    cmd=""
    opts=""

    for i in "${COMP_WORDS[@]:0:COMP_CWORD}"
    do
        case "${cmd},${i}" in
            ",$1")
                cmd="guestward"
                ;;
            guestward,baseline)
                cmd="guestward__subcmd__baseline"
                ;;
            guestward,check)
                cmd="guestward__subcmd__check"
                ;;
            guestward,checks)
                cmd="guestward__subcmd__checks"
                ;;
            guestward,doctor)
                cmd="guestward__subcmd__doctor"
                ;;
            guestward,enforce)
                cmd="guestward__subcmd__enforce"
                ;;
            guestward,explain)
                cmd="guestward__subcmd__explain"
                ;;
            guestward,help)
                cmd="guestward__subcmd__help"
                ;;
            guestward,journal)
                cmd="guestward__subcmd__journal"
                ;;
            guestward,packages)
                cmd="guestward__subcmd__packages"
                ;;
            guestward,policy)
                cmd="guestward__subcmd__policy"
                ;;
            guestward,run)
                cmd="guestward__subcmd__run"
                ;;
            guestward,ship)
                cmd="guestward__subcmd__ship"
                ;;
            guestward,status)
                cmd="guestward__subcmd__status"
                ;;
            guestward__subcmd__baseline,accept)
                cmd="guestward__subcmd__baseline__subcmd__accept"
                ;;
            guestward__subcmd__baseline,create)
                cmd="guestward__subcmd__baseline__subcmd__create"
                ;;
            guestward__subcmd__baseline,diff)
                cmd="guestward__subcmd__baseline__subcmd__diff"
                ;;
            guestward__subcmd__baseline,help)
                cmd="guestward__subcmd__baseline__subcmd__help"
                ;;
            guestward__subcmd__baseline,seal)
                cmd="guestward__subcmd__baseline__subcmd__seal"
                ;;
            guestward__subcmd__baseline,show)
                cmd="guestward__subcmd__baseline__subcmd__show"
                ;;
            guestward__subcmd__baseline,verify)
                cmd="guestward__subcmd__baseline__subcmd__verify"
                ;;
            guestward__subcmd__baseline__subcmd__help,accept)
                cmd="guestward__subcmd__baseline__subcmd__help__subcmd__accept"
                ;;
            guestward__subcmd__baseline__subcmd__help,create)
                cmd="guestward__subcmd__baseline__subcmd__help__subcmd__create"
                ;;
            guestward__subcmd__baseline__subcmd__help,diff)
                cmd="guestward__subcmd__baseline__subcmd__help__subcmd__diff"
                ;;
            guestward__subcmd__baseline__subcmd__help,help)
                cmd="guestward__subcmd__baseline__subcmd__help__subcmd__help"
                ;;
            guestward__subcmd__baseline__subcmd__help,seal)
                cmd="guestward__subcmd__baseline__subcmd__help__subcmd__seal"
                ;;
            guestward__subcmd__baseline__subcmd__help,show)
                cmd="guestward__subcmd__baseline__subcmd__help__subcmd__show"
                ;;
            guestward__subcmd__baseline__subcmd__help,verify)
                cmd="guestward__subcmd__baseline__subcmd__help__subcmd__verify"
                ;;
            guestward__subcmd__enforce,apply)
                cmd="guestward__subcmd__enforce__subcmd__apply"
                ;;
            guestward__subcmd__enforce,help)
                cmd="guestward__subcmd__enforce__subcmd__help"
                ;;
            guestward__subcmd__enforce,plan)
                cmd="guestward__subcmd__enforce__subcmd__plan"
                ;;
            guestward__subcmd__enforce,undo)
                cmd="guestward__subcmd__enforce__subcmd__undo"
                ;;
            guestward__subcmd__enforce__subcmd__help,apply)
                cmd="guestward__subcmd__enforce__subcmd__help__subcmd__apply"
                ;;
            guestward__subcmd__enforce__subcmd__help,help)
                cmd="guestward__subcmd__enforce__subcmd__help__subcmd__help"
                ;;
            guestward__subcmd__enforce__subcmd__help,plan)
                cmd="guestward__subcmd__enforce__subcmd__help__subcmd__plan"
                ;;
            guestward__subcmd__enforce__subcmd__help,undo)
                cmd="guestward__subcmd__enforce__subcmd__help__subcmd__undo"
                ;;
            guestward__subcmd__help,baseline)
                cmd="guestward__subcmd__help__subcmd__baseline"
                ;;
            guestward__subcmd__help,check)
                cmd="guestward__subcmd__help__subcmd__check"
                ;;
            guestward__subcmd__help,checks)
                cmd="guestward__subcmd__help__subcmd__checks"
                ;;
            guestward__subcmd__help,doctor)
                cmd="guestward__subcmd__help__subcmd__doctor"
                ;;
            guestward__subcmd__help,enforce)
                cmd="guestward__subcmd__help__subcmd__enforce"
                ;;
            guestward__subcmd__help,explain)
                cmd="guestward__subcmd__help__subcmd__explain"
                ;;
            guestward__subcmd__help,help)
                cmd="guestward__subcmd__help__subcmd__help"
                ;;
            guestward__subcmd__help,journal)
                cmd="guestward__subcmd__help__subcmd__journal"
                ;;
            guestward__subcmd__help,packages)
                cmd="guestward__subcmd__help__subcmd__packages"
                ;;
            guestward__subcmd__help,policy)
                cmd="guestward__subcmd__help__subcmd__policy"
                ;;
            guestward__subcmd__help,run)
                cmd="guestward__subcmd__help__subcmd__run"
                ;;
            guestward__subcmd__help,ship)
                cmd="guestward__subcmd__help__subcmd__ship"
                ;;
            guestward__subcmd__help,status)
                cmd="guestward__subcmd__help__subcmd__status"
                ;;
            guestward__subcmd__help__subcmd__baseline,accept)
                cmd="guestward__subcmd__help__subcmd__baseline__subcmd__accept"
                ;;
            guestward__subcmd__help__subcmd__baseline,create)
                cmd="guestward__subcmd__help__subcmd__baseline__subcmd__create"
                ;;
            guestward__subcmd__help__subcmd__baseline,diff)
                cmd="guestward__subcmd__help__subcmd__baseline__subcmd__diff"
                ;;
            guestward__subcmd__help__subcmd__baseline,seal)
                cmd="guestward__subcmd__help__subcmd__baseline__subcmd__seal"
                ;;
            guestward__subcmd__help__subcmd__baseline,show)
                cmd="guestward__subcmd__help__subcmd__baseline__subcmd__show"
                ;;
            guestward__subcmd__help__subcmd__baseline,verify)
                cmd="guestward__subcmd__help__subcmd__baseline__subcmd__verify"
                ;;
            guestward__subcmd__help__subcmd__enforce,apply)
                cmd="guestward__subcmd__help__subcmd__enforce__subcmd__apply"
                ;;
            guestward__subcmd__help__subcmd__enforce,plan)
                cmd="guestward__subcmd__help__subcmd__enforce__subcmd__plan"
                ;;
            guestward__subcmd__help__subcmd__enforce,undo)
                cmd="guestward__subcmd__help__subcmd__enforce__subcmd__undo"
                ;;
            guestward__subcmd__help__subcmd__journal,export)
                cmd="guestward__subcmd__help__subcmd__journal__subcmd__export"
                ;;
            guestward__subcmd__help__subcmd__journal,init-key)
                cmd="guestward__subcmd__help__subcmd__journal__subcmd__init__subcmd__key"
                ;;
            guestward__subcmd__help__subcmd__journal,tail)
                cmd="guestward__subcmd__help__subcmd__journal__subcmd__tail"
                ;;
            guestward__subcmd__help__subcmd__journal,verify)
                cmd="guestward__subcmd__help__subcmd__journal__subcmd__verify"
                ;;
            guestward__subcmd__help__subcmd__policy,check)
                cmd="guestward__subcmd__help__subcmd__policy__subcmd__check"
                ;;
            guestward__subcmd__help__subcmd__policy,show)
                cmd="guestward__subcmd__help__subcmd__policy__subcmd__show"
                ;;
            guestward__subcmd__journal,export)
                cmd="guestward__subcmd__journal__subcmd__export"
                ;;
            guestward__subcmd__journal,help)
                cmd="guestward__subcmd__journal__subcmd__help"
                ;;
            guestward__subcmd__journal,init-key)
                cmd="guestward__subcmd__journal__subcmd__init__subcmd__key"
                ;;
            guestward__subcmd__journal,tail)
                cmd="guestward__subcmd__journal__subcmd__tail"
                ;;
            guestward__subcmd__journal,verify)
                cmd="guestward__subcmd__journal__subcmd__verify"
                ;;
            guestward__subcmd__journal__subcmd__help,export)
                cmd="guestward__subcmd__journal__subcmd__help__subcmd__export"
                ;;
            guestward__subcmd__journal__subcmd__help,help)
                cmd="guestward__subcmd__journal__subcmd__help__subcmd__help"
                ;;
            guestward__subcmd__journal__subcmd__help,init-key)
                cmd="guestward__subcmd__journal__subcmd__help__subcmd__init__subcmd__key"
                ;;
            guestward__subcmd__journal__subcmd__help,tail)
                cmd="guestward__subcmd__journal__subcmd__help__subcmd__tail"
                ;;
            guestward__subcmd__journal__subcmd__help,verify)
                cmd="guestward__subcmd__journal__subcmd__help__subcmd__verify"
                ;;
            guestward__subcmd__policy,check)
                cmd="guestward__subcmd__policy__subcmd__check"
                ;;
            guestward__subcmd__policy,help)
                cmd="guestward__subcmd__policy__subcmd__help"
                ;;
            guestward__subcmd__policy,show)
                cmd="guestward__subcmd__policy__subcmd__show"
                ;;
            guestward__subcmd__policy__subcmd__help,check)
                cmd="guestward__subcmd__policy__subcmd__help__subcmd__check"
                ;;
            guestward__subcmd__policy__subcmd__help,help)
                cmd="guestward__subcmd__policy__subcmd__help__subcmd__help"
                ;;
            guestward__subcmd__policy__subcmd__help,show)
                cmd="guestward__subcmd__policy__subcmd__help__subcmd__show"
                ;;
            *)
                ;;
        esac
    done

    case "${cmd}" in
        guestward)
            opts="-h -V --help --version check checks explain baseline packages ship policy run enforce doctor status journal help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 1 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__baseline)
            opts="-h --help create diff accept seal verify show help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__baseline__subcmd__accept)
            opts="-h --package --all --reason --root --policy --format --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --package)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --reason)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --root)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --policy)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__baseline__subcmd__create)
            opts="-h --replace --reason --root --policy --format --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --reason)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --root)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --policy)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__baseline__subcmd__diff)
            opts="-h --quick --all --root --policy --format --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --root)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --policy)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__baseline__subcmd__help)
            opts="create diff accept seal verify show help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__baseline__subcmd__help__subcmd__accept)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__baseline__subcmd__help__subcmd__create)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__baseline__subcmd__help__subcmd__diff)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__baseline__subcmd__help__subcmd__help)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__baseline__subcmd__help__subcmd__seal)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__baseline__subcmd__help__subcmd__show)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__baseline__subcmd__help__subcmd__verify)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__baseline__subcmd__seal)
            opts="-h --key --root --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --key)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --root)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__baseline__subcmd__show)
            opts="-h --digests --root --format --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --digests)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --root)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__baseline__subcmd__verify)
            opts="-h --key --root --policy --format --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --key)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --root)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --policy)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__check)
            opts="-h --root --policy --fail-on --all --imds-endpoint --format --help ssh accounts files packages imds credentials network kernel logging services ssh-root-login ssh-password ssh-keyboard-interactive ssh-empty-password ssh-hostbased ssh-weak-ciphers ssh-weak-macs ssh-weak-kex ssh-weak-hostkey-algorithms ssh-user-environment ssh-strict-modes ssh-max-auth-tries ssh-login-grace ssh-log-level ssh-x11 ssh-tunnel ssh-config-valid ssh-config-modes ssh-host-key-modes ssh-host-key-strength ssh-authorized-keys accounts-extra-uid-0 accounts-empty-password accounts-weak-password-hash accounts-password-login accounts-unshadowed-password accounts-duplicate-ids accounts-file-syntax accounts-file-modes accounts-home-modes sudo-nopasswd sudo-use-pty sudo-logging sudo-config-valid sudo-file-modes files-set-id-unpackaged files-set-id-mode files-capabilities files-world-writable files-world-writable-dirs files-no-owner files-unpackaged-programs files-preload files-cron-modes files-unit-modes files-profile-modes files-tmp-mount files-var-tmp-mount files-shm-mount files-integrity-checked files-drift packages-security-updates packages-updates packages-held-security packages-hidden-fix packages-overdue packages-known-exploited packages-release-lock packages-metadata-age packages-half-installed packages-reboot packages-restart packages-auto-updates packages-self-check imds-v1-refused imds-ipv6 imds-token imds-hop-limit imds-impersonation imds-endpoint-override imds-proxy credentials-homes credentials-environment credentials-system credentials-histories credentials-cloud-init credentials-applications credentials-file-modes credentials-git-remotes network-control-ports network-database-ports network-legacy-ports network-admin-ports network-firewall network-firewall-ipv6 network-firewall-persistent network-forwarding network-redirects network-source-routes network-syn-cookies network-rp-filter network-icmp network-log-martians network-protocols kernel-aslr kernel-ptrace kernel-protected-links kernel-lsm kernel-pointers kernel-dmesg kernel-perf kernel-unprivileged-bpf kernel-user-namespaces kernel-core-dumps kernel-sysrq kernel-module-signing kernel-lockdown kernel-kexec kernel-tainted kernel-mitigations logging-journal-persistent logging-remote logging-exec logging-auditd logging-file-modes logging-time-sync logging-delivery-account logging-delivery-logs logging-delivery-ssm logging-delivery-complete logging-seal-key services-legacy-servers services-legacy-clients services-unneeded services-units-from-tmp services-time-daemon services-auto-update-timers services-ssm-agent"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --root)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --policy)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --fail-on)
                    COMPREPLY=($(compgen -W "informational low medium high critical" -- "${cur}"))
                    return 0
                    ;;
                --imds-endpoint)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json ocsf html" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__checks)
            opts="-h --controls --format --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --format)
                    COMPREPLY=($(compgen -W "text json html" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__doctor)
            opts="-h --policy --iam-policy --format --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --policy)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__enforce)
            opts="-h --help plan apply undo help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__enforce__subcmd__apply)
            opts="-h --policy --format --help decoys"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --policy)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__enforce__subcmd__help)
            opts="plan apply undo help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__enforce__subcmd__help__subcmd__apply)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__enforce__subcmd__help__subcmd__help)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__enforce__subcmd__help__subcmd__plan)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__enforce__subcmd__help__subcmd__undo)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__enforce__subcmd__plan)
            opts="-h --policy --format --help decoys"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --policy)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__enforce__subcmd__undo)
            opts="-h --policy --format --help decoys"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --policy)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__explain)
            opts="-h --format --help ssh-root-login ssh-password ssh-keyboard-interactive ssh-empty-password ssh-hostbased ssh-weak-ciphers ssh-weak-macs ssh-weak-kex ssh-weak-hostkey-algorithms ssh-user-environment ssh-strict-modes ssh-max-auth-tries ssh-login-grace ssh-log-level ssh-x11 ssh-tunnel ssh-config-valid ssh-config-modes ssh-host-key-modes ssh-host-key-strength ssh-authorized-keys accounts-extra-uid-0 accounts-empty-password accounts-weak-password-hash accounts-password-login accounts-unshadowed-password accounts-duplicate-ids accounts-file-syntax accounts-file-modes accounts-home-modes sudo-nopasswd sudo-use-pty sudo-logging sudo-config-valid sudo-file-modes files-set-id-unpackaged files-set-id-mode files-capabilities files-world-writable files-world-writable-dirs files-no-owner files-unpackaged-programs files-preload files-cron-modes files-unit-modes files-profile-modes files-tmp-mount files-var-tmp-mount files-shm-mount files-integrity-checked files-drift packages-security-updates packages-updates packages-held-security packages-hidden-fix packages-overdue packages-known-exploited packages-release-lock packages-metadata-age packages-half-installed packages-reboot packages-restart packages-auto-updates packages-self-check imds-v1-refused imds-ipv6 imds-token imds-hop-limit imds-impersonation imds-endpoint-override imds-proxy credentials-homes credentials-environment credentials-system credentials-histories credentials-cloud-init credentials-applications credentials-file-modes credentials-git-remotes network-control-ports network-database-ports network-legacy-ports network-admin-ports network-firewall network-firewall-ipv6 network-firewall-persistent network-forwarding network-redirects network-source-routes network-syn-cookies network-rp-filter network-icmp network-log-martians network-protocols kernel-aslr kernel-ptrace kernel-protected-links kernel-lsm kernel-pointers kernel-dmesg kernel-perf kernel-unprivileged-bpf kernel-user-namespaces kernel-core-dumps kernel-sysrq kernel-module-signing kernel-lockdown kernel-kexec kernel-tainted kernel-mitigations logging-journal-persistent logging-remote logging-exec logging-auditd logging-file-modes logging-time-sync logging-delivery-account logging-delivery-logs logging-delivery-ssm logging-delivery-complete logging-seal-key services-legacy-servers services-legacy-clients services-unneeded services-units-from-tmp services-time-daemon services-auto-update-timers services-ssm-agent"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --format)
                    COMPREPLY=($(compgen -W "text json" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help)
            opts="check checks explain baseline packages ship policy run enforce doctor status journal help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__baseline)
            opts="create diff accept seal verify show"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__baseline__subcmd__accept)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__baseline__subcmd__create)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__baseline__subcmd__diff)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__baseline__subcmd__seal)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__baseline__subcmd__show)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__baseline__subcmd__verify)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__check)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__checks)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__doctor)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__enforce)
            opts="plan apply undo"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__enforce__subcmd__apply)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__enforce__subcmd__plan)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__enforce__subcmd__undo)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__explain)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__help)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__journal)
            opts="export tail verify init-key"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__journal__subcmd__export)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__journal__subcmd__init__subcmd__key)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__journal__subcmd__tail)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__journal__subcmd__verify)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__packages)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__policy)
            opts="check show"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__policy__subcmd__check)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__policy__subcmd__show)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__run)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__ship)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__help__subcmd__status)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__journal)
            opts="-h --help export tail verify init-key help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__journal__subcmd__export)
            opts="-h --from --kind --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --from)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --kind)
                    COMPREPLY=($(compgen -W "finding drift detection gap heartbeat inventory enforcement checkpoint lifecycle" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__journal__subcmd__help)
            opts="export tail verify init-key help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__journal__subcmd__help__subcmd__export)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__journal__subcmd__help__subcmd__help)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__journal__subcmd__help__subcmd__init__subcmd__key)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__journal__subcmd__help__subcmd__tail)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__journal__subcmd__help__subcmd__verify)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__journal__subcmd__init__subcmd__key)
            opts="-h --new-epoch --policy --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --policy)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__journal__subcmd__tail)
            opts="-n -f -h --lines --follow --format --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --lines)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                -n)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__journal__subcmd__verify)
            opts="-h --log-group --log-stream-prefix --since --insights --region --key --key-parameter --agent --format --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --log-group)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --log-stream-prefix)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --since)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --region)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --key)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --key-parameter)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --agent)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__packages)
            opts="-h --root --self-check --record --format --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --root)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__policy)
            opts="-h --help check show help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__policy__subcmd__check)
            opts="-h --policy --format --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --policy)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__policy__subcmd__help)
            opts="check show help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__policy__subcmd__help__subcmd__check)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__policy__subcmd__help__subcmd__help)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__policy__subcmd__help__subcmd__show)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__policy__subcmd__show)
            opts="-h --policy --format --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --policy)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__run)
            opts="-h --policy --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --policy)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__ship)
            opts="-h --policy --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --policy)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        guestward__subcmd__status)
            opts="-h --format --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --format)
                    COMPREPLY=($(compgen -W "text json" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
    esac
}

if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -F _guestward -o nosort -o bashdefault -o default guestward
else
    complete -F _guestward -o bashdefault -o default guestward
fi
