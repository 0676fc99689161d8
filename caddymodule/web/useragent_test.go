package web

import (
	"strings"
	"testing"
)

func TestABrowserIsCalledAsPeopleCallIt(t *testing.T) {
	const webkit = " AppleWebKit/537.36 (KHTML, like Gecko) "
	for _, c := range []struct{ name, agent, browser, system string }{
		{"Firefox", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox", "Windows"},
		{"Chrome", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)" + webkit + "Chrome/140.0.0.0 Safari/537.36", "Chrome", "macOS"},
		{"Edge, which calls itself Chrome", "Mozilla/5.0 (Windows NT 10.0; Win64; x64)" + webkit + "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", "Edge", "Windows"},
		{"Opera", "Mozilla/5.0 (X11; Linux x86_64)" + webkit + "Chrome/140.0.0.0 Safari/537.36 OPR/120.0.0.0", "Opera", "Linux"},
		{"Safari", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15", "Safari", "macOS"},
		{"an iPhone", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1", "Safari", "iPhone"},
		{"Chrome on an iPhone", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1", "Chrome", "iPhone"},
		{"Android, which is Linux", "Mozilla/5.0 (Linux; Android 10; K)" + webkit + "Chrome/140.0.0.0 Mobile Safari/537.36", "Chrome", "Android"},
		{"Samsung's", "Mozilla/5.0 (Linux; Android 10; K)" + webkit + "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36", "Samsung Internet", "Android"},
		{"a browser that nobody knows", "Mozilla/5.0 (X11; CrOS x86_64) Another/1.0", "", "ChromeOS"},
		{"a program", "curl/8.14.1", "curl", ""},
		{"a program on a system", "Lynx/2.9 (Windows)", "Lynx", "Windows"},
		{"a word", "probe", "probe", ""},
		{"nothing", "", "", ""},
		{"what is no name", "<b>you/1", "", ""},
		{"what turns a line around", "\u202eevil/1", "", ""},
		{"a name without end", strings.Repeat("a", 33), "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if browser, system := browserOf(c.agent); browser != c.browser || system != c.system {
				t.Errorf("it is %q on %q; want %q on %q", browser, system, c.browser, c.system)
			}
		})
	}
}
