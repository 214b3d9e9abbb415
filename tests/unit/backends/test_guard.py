"""Which servers are asked that a stranger has named."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurogister.backends.guard import Guard, is_public
from neurogister.errors import RefusedError


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0",
        "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1%eth0",
        "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::", "2002:a00:1::",
    ],
)  # fmt: skip
def test_private_addresses(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["140.82.112.3", "2606:50c0:8000::153", "::ffff:8.8.8.8"])
def test_public_addresses(address):
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_what_it_maps(address):
    mapped = ipaddress.IPv6Address(f"::ffff:{address}")
    assert is_public(str(mapped)) == is_public(str(address))


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/x", "http://localhost:80/", "https://[::1]/", "http://2130706433/",
     "http://0x7f.1/", "http://0177.0.0.1/"],
)  # fmt: skip
def test_a_url_that_leads_to_this_computer(url):
    with pytest.raises(RefusedError, match="private"):
        Guard().check_url(url)


def test_only_the_very_server_is_trusted():
    guard = Guard([("http", "127.0.0.1", 8000)])
    guard.check_url("http://127.0.0.1:8000/x")
    for url in ("http://127.0.0.1:8001/x", "https://127.0.0.1:8000/x", "http://127.0.0.2:8000/"):
        with pytest.raises(RefusedError):
            guard.check_url(url)


def test_whom_we_are_connected_with_counts_and_not_the_name():
    guard = Guard()
    guard.check_peer("https", "rebinding.example", 443, "140.82.112.3")
    with pytest.raises(RefusedError, match=r"rebinding\.example"):
        guard.check_peer("https", "rebinding.example", 443, "169.254.169.254")
