package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/web"
)

var somewhen = time.Date(2026, 3, 4, 5, 6, 7, 0, time.FixedZone("", 3600))

var oneDevice = web.Sessions{
	Base: "/auth", SignedInAs: "ada@example.com",
	This: web.Device{
		ID: "0pLrkGO5bV8mCB3a", UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", Address: "192.0.2.7",
		Created: somewhen, LastSeen: somewhen.Add(time.Hour), Expires: somewhen.Add(12 * time.Hour),
	},
}

// manyDevices is a page with so many others, and so many that cannot be read.
func manyDevices(others, unreadable int) web.Sessions {
	s := oneDevice
	for i := range others {
		s.Others = append(s.Others, web.Device{ID: fmt.Sprintf("device-%d", i), UserAgent: "curl/8", Method: "Acme", Created: somewhen})
	}
	for i := range unreadable {
		s.Unreadable = append(s.Unreadable, fmt.Sprintf("unread-%d", i))
	}
	return s
}

func TestThePageOfDevicesSaysWhereAndWhenInWords(t *testing.T) {
	for tag, says := range map[string][]string{
		"en": {"Firefox on Linux", "192.0.2.7", "4 March 2026, 04:06 UTC, by password", "4 March 2026, 05:06 UTC", "4 March 2026, 16:06 UTC", "nowhere else"},
		"de": {"Firefox unter Linux", "192.0.2.7", "4.3.2026, 04:06 Uhr (UTC), mit Passwort", "4.3.2026, 05:06 Uhr (UTC)", "sonst nirgends"},
	} {
		all := render(t, func(w http.ResponseWriter) { oneDevice.Write(w, in(tag)) })
		text := find(all, "main")[0].text
		for _, part := range says {
			if !strings.Contains(text, part) {
				t.Errorf("%s: %q is not said: %s", tag, part, text)
			}
		}
		if at := find(all, "time")[0].attr["datetime"]; at != "2026-03-04T04:06:07Z" {
			t.Errorf("programs are told %s", at)
		}
	}
}

// A person who hears the buttons without what stands around them knows which is whose.
func TestEachButtonOfADeviceIsNamedAfterIt(t *testing.T) {
	all := render(t, func(w http.ResponseWriter) { manyDevices(2, 1).Write(w, web.View{}) })
	names := map[string]bool{}
	for _, button := range find(all, "button") {
		name := button.text
		if by := button.attr["aria-labelledby"]; by != "" {
			name = ""
			for id := range strings.FieldsSeq(by) {
				name += byID(all, id).text + " "
			}
		}
		names[strings.TrimSpace(name)] = true
	}
	for _, want := range []string{"Sign out Firefox on Linux", "Sign out curl", "Sign out Device unread-0", "Sign out everywhere else"} {
		if !names[want] {
			t.Errorf("no button is named %q: %v", want, names)
		}
	}
}

func TestWhatIsNotShownOfManyDevicesIsSaid(t *testing.T) {
	for _, c := range []struct {
		name               string
		others, unreadable int
		buttons            int // beside those for here and for all others
		says               []string
	}{
		{"as many as there may be", 100, 20, 120, nil},
		{"one more", 101, 20, 120, []string{"And 1 more, which are not shown."}},
		{"hundreds", 700, 300, 120, []string{"And 600 more, which are not shown.", "And 280 more of which nothing can be told."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := render(t, func(w http.ResponseWriter) { manyDevices(c.others, c.unreadable).Write(w, web.View{}) })
			if n := len(find(all, "button")) - 2; n != c.buttons {
				t.Errorf("%d buttons; want %d", n, c.buttons)
			}
			text := find(all, "main")[0].text
			if strings.Contains(text, "And ") != (c.says != nil) {
				t.Errorf("it says %s", text)
			}
			for _, part := range c.says {
				if !strings.Contains(text, part) {
					t.Errorf("%q is not said", part)
				}
			}
		})
	}
}
