"""What the door must refuse: written by hand, not derived from the door's own table."""

_ADDRESSES = """
0.0.0.0 0.0.0.1 0.1.2.3 0.255.255.255
10.0.0.0 10.0.0.1 10.1.2.3 10.96.0.1 10.244.0.1 10.255.255.255
100.64.0.0 100.64.0.1 100.100.100.200 100.127.255.254 100.127.255.255
127.0.0.0 127.0.0.1 127.0.0.53 127.0.1.1 127.1.1.1 127.255.255.254 127.255.255.255
168.63.129.16
169.254.0.0 169.254.0.1 169.254.169.123 169.254.169.253 169.254.169.254 169.254.170.2
169.254.170.23 169.254.255.255
172.16.0.0 172.16.0.1 172.17.0.1 172.18.0.1 172.20.1.1 172.31.0.1 172.31.255.255
192.0.0.0 192.0.0.1 192.0.0.8 192.0.0.9 192.0.0.10 192.0.0.170 192.0.0.171 192.0.0.192 192.0.0.255
192.0.2.0 192.0.2.1 192.0.2.255 192.31.196.0 192.31.196.1 192.31.196.255
192.52.193.0 192.52.193.1 192.52.193.255 192.88.99.0 192.88.99.1 192.88.99.2 192.88.99.255
192.168.0.0 192.168.0.1 192.168.1.1 192.168.49.2 192.168.100.1 192.168.255.255
192.175.48.0 192.175.48.1 192.175.48.255 198.18.0.0 198.18.0.1 198.19.255.255
198.51.100.0 198.51.100.1 198.51.100.255 203.0.113.0 203.0.113.1 203.0.113.255
224.0.0.0 224.0.0.1 224.0.0.251 232.1.1.1 233.252.0.1 239.255.255.250 239.255.255.255
240.0.0.0 240.0.0.1 250.1.2.3 255.0.0.0 255.255.255.254 255.255.255.255
:: ::1 ::2 ::ffff ::127.0.0.1 ::10.0.0.1 ::169.254.169.254 ::8.8.8.8 ::7f00:1
::ffff:0.0.0.0 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:172.16.0.1 ::ffff:192.168.0.1
::ffff:169.254.169.254 ::ffff:8.8.8.8 ::ffff:7f00:1 ::ffff:a9fe:a9fe ::ffff:255.255.255.255
::ffff:0:127.0.0.1 ::ffff:0:8.8.8.8 ::ffff:0:10.0.0.1
64:ff9b:: 64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b::8.8.8.8
64:ff9b::ffff:ffff 64:ff9b:1:: 64:ff9b:1::127.0.0.1 64:ff9b:1::10.0.0.1
64:ff9b:1::169.254.169.254 64:ff9b:1:ffff:ffff:ffff:ffff:ffff 64:ff9b:2::1
100:: 100::1 100::ffff:ffff:ffff:ffff 100:0:0:1::1 200::1 300::1 400::1 1000::1 1fff::1
2001:: 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:0:7f00:1:: 2001:0:ffff:ffff::1
2001:1::1 2001:1::2 2001:1::3 2001:2:: 2001:2::1 2001:2:0:ffff::1 2001:3::1 2001:4:112::1
2001:5::1 2001:10:: 2001:10::1 2001:1f:ffff::1 2001:20::1 2001:2f:ffff::1 2001:30::1
2001:3f:ffff::1 2001:100::1 2001:1ff:ffff::1
2001:db8:: 2001:db8::1 2001:db8:85a3::8a2e:370:7334 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff
2002:: 2002:7f00:1:: 2002:a00:1:: 2002:a9fe:a9fe:: 2002:c0a8:1:: 2002:808:808:: 2002:ffff:ffff::1
2620:4f:8000::1 2620:4f:8000:ffff::1 3ffe::1 3ffe:ffff::1 3fff:: 3fff::1 3fff:fff:ffff::1
4000::1 5f00::1 5f00:ffff::1 6000::1 8000::1 a000::1 c000::1 e000::1 f000::1 f800::1 fb00::1
fc00:: fc00::1 fd00:: fd00::1 fd00:ec2::254 fd00:ec2::23 fd12:3456:789a::1 fdff:ffff::1 fe00::1
fe80:: fe80::1 fe80::a9fe:a9fe febf:ffff::1 fec0:: fec0::1 feff:ffff::1
ff00:: ff01::1 ff02::1 ff02::2 ff02::fb ff05::2 ff0e::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
"""
ADDRESSES = tuple(_ADDRESSES.split())

_PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 93.184.216.34 100.63.255.255 100.128.0.1 126.255.255.255
128.0.0.1 151.101.1.69 168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.1 172.15.255.255
172.32.0.1 185.199.108.153 191.255.255.255 192.0.1.1 192.0.3.1 192.88.98.1 192.88.100.1
192.167.255.255 192.169.0.1 198.17.255.255 198.20.0.1 198.51.99.1 198.51.101.1 203.0.112.1
203.0.114.1 223.255.255.255
2000::1 2001:200::1 2001:4860:4860::8888 2001:db7::1 2001:db9::1 2003::1 2400:cb00::1
2606:4700:4700::1111 2620:4f:8001::1 2a00:1450:4001:81b::200e 2c0f::1 3ffd::1 3fff:1000::1
"""
PUBLIC = tuple(_PUBLIC.split())

_NUMBER_HOSTS = """
2130706433 3232235521 2852039166 134744072 0 1 4294967295 4294967296 017700000001 0177.0.0.1
0177.0.0.01 00177.0.0.1 127.0.0.01 127.00.0.1 010.0.0.1 012.1.2.3 08.8.8.8 0x7f000001 0x7F000001
0X7f000001 0xa9fea9fe 0x7f.0.0.1 0x7f.1 0x7f.0x0.0x0.0x1 0x8.0x8.0x8.0x8 127.1 127.0.1 10.1
192.168.1 169.254.43518 8.8 8.8.8 8.8.8.8.8 1.2.3.4.5 256.1.1.1 1.256.1.1 1.1.1.256 999.1.1.1
300.300.300.300 127.0.0.1. 8.8.8.8. 127.0.0.0x1 example.0x1 example.1 example.127 shop.0x7f
00.00.00.00 0000.0.0.0 0x0 0x 1e9.1 a.0 127.0.0.1.1
"""
NUMBER_HOSTS = tuple(_NUMBER_HOSTS.split())

URLS = (
    *(f"http://{host}/" for host in NUMBER_HOSTS),
    # schemes
    *("ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "dict://example.com/"),
    *("ws://example.com/", "wss://example.com/", "ldap://example.com/", "jar:http://example.com/"),
    *("javascript:alert(1)", "data:text/html,x", "unix:/var/run/docker.sock", "//example.com/"),
    *("example.com", "example.com/path", "http:example.com", "http:/example.com", "http//a.com"),
    *("https:example.com", "http:///example.com", "http:////example.com", ":http://example.com"),
    *("httpx://example.com", "h\u200bttp://example.com/", "", "http", "http:", "http://", "/"),
    *("view-source:http://example.com/", "url:http://example.com/", "\ufeffhttp://example.com/"),
    # user names, and tricks with them
    *("http://user@example.com/", "http://user:pass@example.com/", "http://@example.com/"),
    *("http://:@example.com/", "http://127.0.0.1@example.com/", "http://example.com@127.0.0.1/"),
    *("http://example.com:80@127.0.0.1/", "http://a@b@example.com/", "http://a%40b@example.com/"),
    *("http://example.com%40127.0.0.1/", "http://example.com;@127.0.0.1/", "http://1.1.1.1 &@2/"),
    # spaces, control characters, backslashes
    *(" http://example.com/", "http://example.com/ ", "http://exam ple.com/", "http://a.com/a b"),
    *(
        "http://example.com\t/",
        "http://exam\nple.com/",
        "http://example.com/\r\nX: y",
        "http://a\x00",
    ),
    *("http://example.com/\x00", "http://example.com\x7f/", "http://example.com\u0085/"),
    *("http:\\\\example.com\\", "http://example.com\\@127.0.0.1/", "http:/\\example.com/"),
    *("http://example.com\\.evil.com/", "http://a.com/\u202egpj", "http://a.com/\u2028x"),
    *("http://example.com/\u00a0", "http://example.com/\u3000x", "http://example.com/\ud800"),
    # look-alike dots, digits and letters
    *("http://127\u30020\u30020\u30021/", "http://127\uff0e0\uff0e0\uff0e1/", "http://a\uff61com/"),
    *("http://example\u2024com/", "http://example\ufe52com/", "http://\uff11\uff12\uff17.0.0.1/"),
    *("http://\u2460\u2461\u2466.0.0.1/", "http://\u2488\u2489/", "http://\uff45xample.com/"),
    *("http://\u24d4xample.com/", "http://\U0001d41example.com/", "http://e\u00adxample.com/"),
    *("http://ex\u200bample.com/", "http://ex\u200dample.com/", "http://ex\u2060ample.com/"),
    *(
        "http://example\u2215com/",
        "http://a.com\uff0fb/",
        "http://a.com\uff03b/",
        "http://a\uff20b/",
    ),
    *("http://example.com\uff1a80/", "http://lo\u2102al/", "http://\u2100.com/", "http://\u2105/"),
    *(
        "http://127.0.0.\u00b9/",
        "http://127.0.0.\u2081/",
        "http://\u2139.com/",
        "http://\U0001f4a9.la/",
    ),
    # unreadable names
    *("http://.example.com/", "http://example..com/", "http://example.com../", "http://./"),
    *("http://../", "http://-example.com/", "http://example-.com/", "http://ex!ample.com/"),
    *("http://ex$ample.com/", "http://ex*mple.com/", "http://ex,ample.com/", "http://a;b.com/"),
    *("http://a'b.com/", 'http://a"b.com/', "http://a<b>.com/", "http://{a}.com/", "http://a|b/"),
    *(
        "http://a^b.com/",
        "http://a`b.com/",
        "http://(a).com/",
        "http://a+b.com/",
        "http://a=b.com/",
    ),
    *("http://a&b.com/", "http://%6c%6f%63alhost/", "http://127.0.0.1%2f/", "http://a%00.com/"),
    *("http://127%2e0%2e0%2e1/", "http://%31%32%37.0.0.1/", f"http://{'a' * 64}.com/"),
    *(
        f"http://{'a.' * 127}com/",
        f"http://example.com/{'a' * 2048}",
        "http://" + "\u00fc" * 64 + ".com/",
    ),
    # ports
    *("http://example.com:/", "http://example.com:0/", "http://example.com:65536/"),
    *("http://example.com:99999/", "http://example.com:100000/", "http://example.com:-1/"),
    *("http://example.com:+80/", "http://example.com:080/", "http://example.com:0x50/"),
    *("http://example.com:80:80/", "http://example.com:http/", "http://example.com:8 0/"),
    *("http://example.com:\uff18\uff10/", "http://example.com:\u0668\u0660/", "http://[::1]80/"),
    *("http://:80/", "http://:/", "http://example.com:80.5/", "http://example.com:%38%30/"),
    # brackets
    *("http://[]/", "http://[/", "http://]/", "http://[::1/", "http://::1]/", "http://::1/"),
    *("http://[::1]]/", "http://[[::1]]/", "http://[::1%25eth0]/", "http://[fe80::1%eth0]/"),
    *("http://[fe80::1%251]/", "http://[127.0.0.1]/", "http://[example.com]/", "http://[v1.a]/"),
    *(
        "http://[::g]/",
        "http://[1::2::3]/",
        "http://[12345::]/",
        "http://a[::1]/",
        "http://[::1]a/",
    ),
    *("http://[::1].example.com/", "http://[::127.1]/", "http://[::ffff:0177.0.0.1]/"),
    *("http://[0:0:0:0:0:0:0:0:1]/", "http://[\uff1a\uff1a1]/", "http://2606:4700::1111/"),
)
"""Each is refused before any name is looked up."""
