package web

import (
	"strings"
	"unicode"
)

// browsers are the products of a User-Agent by which browsers are told apart, in the
// order in which they are looked for: nearly all call themselves Safari, and most of
// the others Chrome.
var browsers = []struct{ product, name string }{
	{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"EdgiOS/", "Edge"},
	{"OPR/", "Opera"}, {"Vivaldi/", "Vivaldi"}, {"SamsungBrowser/", "Samsung Internet"},
	{"FxiOS/", "Firefox"}, {"Firefox/", "Firefox"},
	{"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"HeadlessChrome/", "Chrome"}, {"Chromium/", "Chromium"},
	{"Version/", "Safari"},
}

// systems are the same for what a browser runs on.
var systems = []struct{ word, name string }{
	{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"CrOS", "ChromeOS"},
	{"Windows", "Windows"}, {"Macintosh", "macOS"}, {"Linux", "Linux"},
}

// maxProgram bounds the name of a program that is no known browser, in characters.
const maxProgram = 32

// browserOf is what a person calls the browser or program of a User-Agent, and what it
// runs on. Each is empty where that is not said. What a stranger wrote is in neither,
// but for the name of a program, which is short and of letters and digits.
func browserOf(userAgent string) (browser, system string) {
	for _, s := range systems {
		if strings.Contains(userAgent, s.word) {
			system = s.name
			break
		}
	}
	if strings.HasPrefix(userAgent, "Mozilla/") {
		for _, b := range browsers {
			if strings.Contains(userAgent, " "+b.product) {
				return b.name, system
			}
		}
		return "", system
	}
	return programOf(userAgent), system
}

// programOf is the first product of a User-Agent without its version: curl, Lynx.
func programOf(userAgent string) string {
	name, _, _ := strings.Cut(userAgent, "/")
	name, _, _ = strings.Cut(name, " ")
	if len(name) > maxProgram || strings.ContainsFunc(name, notOfAName) {
		return ""
	}
	return name
}

func notOfAName(c rune) bool {
	return c > unicode.MaxASCII || !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '-' && c != '_' && c != '.'
}
