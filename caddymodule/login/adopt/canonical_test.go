package adopt

import (
	"slices"
	"testing"
)

// oauth2-proxy takes a cookie that is cut elsewhere, and one whose last character has
// other bits that mean nothing, for the same.
func TestACookieThatIsSpeltOtherwiseIsTheSame(t *testing.T) {
	whole := Presented{{"_oauth2_proxy", "cGF5bG9hZA==|1700000000|c2lnbmF0dXJl"}}
	for name, other := range map[string]Presented{
		"cut in two":                {{"_oauth2_proxy_0", "cGF5bG9h"}, {"_oauth2_proxy_1", "ZA==|1700000000|c2lnbmF0dXJl"}},
		"cut elsewhere":             {{"_oauth2_proxy_0", "cGF5"}, {"_oauth2_proxy_1", "bG9hZA==|17000000"}, {"_oauth2_proxy_2", "00|c2lnbmF0dXJl"}},
		"with other bits at an end": {{"_oauth2_proxy", "cGF5bG9hZB==|1700000000|c2lnbmF0dXJl"}},
		"without padding":           {{"_oauth2_proxy", "cGF5bG9hZA|1700000000|c2lnbmF0dXJl"}},
		"with what is escaped":      {{"_oauth2_proxy", "cGF5bG9hZA==%7C1700000000%7Cc2lnbmF0dXJl"}},
		"in quotes":                 {{"_oauth2_proxy", `"cGF5bG9hZA==|1700000000|c2lnbmF0dXJl"`}},
	} {
		if got := canonical(other); !slices.Equal(got, canonical(whole)) {
			t.Errorf("%s it is %v", name, got)
		}
	}
	for name, other := range map[string]Presented{
		"another value":                 {{"_oauth2_proxy", "cGF5bG9hZA==|1700000001|c2lnbmF0dXJl"}},
		"another name":                  {{"_oauth2_proxi", "cGF5bG9hZA==|1700000000|c2lnbmF0dXJl"}},
		"parts in another order":        {{"_oauth2_proxy_1", "cGF5bG9h"}, {"_oauth2_proxy_0", "ZA==|1700000000|c2lnbmF0dXJl"}},
		"what is no base64 and differs": {{"_oauth2_proxy", "cGF5bG9hZA!|1700000000|c2lnbmF0dXJl"}},
	} {
		if got := canonical(other); slices.Equal(got, canonical(whole)) {
			t.Errorf("%s is taken for the same: %v", name, got)
		}
	}
}
