// Package house is empty. Its tests are the rules of the house: what may import what, how long a file may be,
// what the program may weigh, that the documents tell the truth. Each says which rule was broken, and where.
//
//	imports_test.go  the import graph points one way; nothing heavy is linked; every module's licence is listed
//	code_test.go     lengths, comments, words
//	docs_test.go     links, languages, commands
package house
