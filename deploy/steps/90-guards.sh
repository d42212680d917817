# What keeps strangers off: fail2ban for those who guess, the firewall if it was wished for.
# shellcheck shell=bash
if [ "$FAIL2BAN" = yes ]; then
  OWES=fail2ban place "$SOURCE/deploy/fail2ban/filter.conf" /etc/fail2ban/filter.d/medical-ai.conf
  OWES=fail2ban place "$SOURCE/deploy/fail2ban/jail.conf" /etc/fail2ban/jail.d/medical-ai.conf
  if owed fail2ban; then systemctl restart fail2ban.service; settled fail2ban; fi
  enable fail2ban.service
fi
if [ "$FIREWALL" = yes ]; then
  OWES=firewall place "$SOURCE/deploy/nftables/medical-ai.nft" /etc/nftables.d/medical-ai.nft
  if ! grep -qF 'include "/etc/nftables.d/*.nft"' /etc/nftables.conf; then
    printf 'include "/etc/nftables.d/*.nft"\n' >>/etc/nftables.conf
    changed /etc/nftables.conf
  fi
  if owed firewall; then
    # Not a reload of the service: Debian's own file would flush fail2ban's tables first.
    nft -f /etc/nftables.d/medical-ai.nft || fail "the firewall's rules do not fit this kernel." "Give FIREWALL=no."
    settled firewall
  fi
  systemctl is-enabled --quiet nftables.service || { systemctl enable --quiet nftables.service; changed "nftables.service enabled"; }
fi
